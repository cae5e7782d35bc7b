package main

import "os"

var name, place = os.Getenv("NAME"), os.Getenv("PLACE")

func Main() map[string]any {
	return map[string]any{"greeting": name + " of " + place}
}
