package main

import "errors"

func Main(args struct {
	N int `json:"n"`
}) (any, error) {
	if args.N < 0 {
		return nil, errors.New("n is negative")
	}
	return args, nil
}
