// Package image starts containers of the images that gowhisk builds, with the real proxy in them, in
// the plainest way that Linux has: the files of the image in a folder, and its entrypoint in a chroot
// under the image's user and environment. It needs root, and nothing else.
package image
