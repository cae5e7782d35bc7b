module github.com/gowhisk/gowhisk

go 1.26
