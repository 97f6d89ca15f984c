-- Files here run once each, in the order of their names; each holds one statement. This one changes nothing.
SELECT 1;
