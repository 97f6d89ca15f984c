-- Files here run once each, in the order of their names, each in a transaction. This one changes nothing.
SELECT 1;
