module github.com/viktorbarzin/mail-sorter

go 1.26
