// Package script tests gowhisk as its users meet it: text scripts that talk
// to a live server with OpenWhisk's own wsk, with curl, and with gowhisk
// itself. Each actor has a voice: wsk is the guest, uwsk a second user,
// attackwsk somebody with a forged key. A script is a story; its name says
// which. See testdata/README.md for the commands.
package script
