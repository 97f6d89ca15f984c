module github.com/viktorbarzin/shortener

go 1.26
