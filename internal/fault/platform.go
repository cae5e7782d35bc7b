package fault

// platformFaults are failures to get a container, and our own bugs.
func platformFaults() []Fault {
	return []Fault{
		{
			Code: Provisioning, Component: Sandbox, Whose: Hosts,
			What: "No container could be made for {action}.",
			Why:  "The sandbox or the runtime in it did not start.",
			Next: []string{"gowhisk doctor", "wsk action invoke {action} --blocking # once more"},
			Doc:  `The server's log has the reason under the same activation id. The action's code was not reached.`,
		},
		{
			Code: Overloaded, Component: Scheduler, Whose: Hosts,
			What: "There is no room to run {action} now.",
			Why:  "All memory of the pool is busy and as many callers wait as may.",
			Next: []string{"wsk activation list", "gowhisk serve --pool-memory 16GB"},
			Doc: `The pool holds containers up to the setting poolMemory, three quarters of the
machine's memory unless set. A burst beyond it waits a little, fairly between
namespaces, and is then refused rather than delayed without bound.`,
		},
		{
			Code: InternalServerError, Component: Request, Whose: Ours,
			What: "gowhisk failed where it should not.",
			Why:  "The server's log has the cause under the transaction id of the response.",
			Next: []string{"gowhisk doctor"},
			Doc:  `Report it with the log lines of that transaction id.`,
		},
	}
}
