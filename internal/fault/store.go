package fault

// storeFaults are failures to keep what must be kept.
func storeFaults() []Fault {
	return []Fault{
		{
			Code: DiskFull, Component: Store, Whose: Hosts,
			What: "The disk of the data directory is full: new work is refused, reads and deletes go on.",
			Why:  "What cannot be written durably is not accepted.",
			Next: []string{"df -h DATA_DIR", "gowhisk serve --retention-age 168h"},
			Doc:  `Writes resume by themselves when there is room again.`,
		},
		{
			Code: SyncFailed, Component: Store, Whose: Hosts,
			What: "The disk failed to make a write durable; the server stops.",
			Why:  "After a failed fsync the kernel may have dropped the data, so nothing later could be promised.",
			Next: []string{"dmesg | tail", "gowhisk doctor"},
			Doc:  `What was acknowledged before is on disk. Check the medium, then start the server again.`,
		},
		{
			Code: StoreTooNew, Component: Store, Whose: Yours,
			What: "The data directory was written by a newer gowhisk.",
			Why:  "Its format has a higher version than this program knows; nothing was changed.",
			Next: []string{"gowhisk version", "gowhisk serve --data-dir OTHER"},
			Doc:  `Use the newer program, or another data directory.`,
		},
		{
			Code: RecordCorrupted, Component: Store, Whose: Ours,
			What: "A stored record cannot be read.",
			Why:  "Its bytes are damaged, or were written by something else.",
			Next: []string{"wsk action delete {action}", "gowhisk doctor"},
			Doc:  `Only that record is affected; it can be deleted and made again.`,
		},
		{
			Code: StoreLocked, Component: Store, Whose: Yours,
			What: "The data directory is in use by another gowhisk.",
			Why:  "One process at a time may write a data directory.",
			Next: []string{"gowhisk serve --data-dir OTHER", "kill {pid}"},
			Doc:  `"gowhisk admin" needs no second process: it asks the running server.`,
		},
		{
			Code: InterruptedByCrash, Component: Store, Whose: Ours,
			What: "{action} had started when the server stopped, and was not run again.",
			Why:  "An activation runs at most once; how far it came is not known.",
			Next: []string{"wsk action invoke {action}"},
			Doc: `Accepted activations survive a crash. Those that had not started run after
the restart; those that had are recorded as failed with this code.`,
		},
	}
}
