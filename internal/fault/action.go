package fault

// actionFaults are failures of code that ran. Each is also a Response with
// OpenWhisk's text; the platform is well.
func actionFaults() []Fault {
	return []Fault{
		{
			Code: InitFailed, Component: Code, Whose: Actions,
			What: "{action} did not load.",
			Why:  "The runtime could not read or compile the code; no run took place.",
			Next: []string{"wsk activation logs {id}", "wsk action update {action} FILE"},
			Doc:  `The runtime's own message is the error of the activation. Nothing ran.`,
		},
		{
			Code: NoMain, Component: Code, Whose: Actions,
			What: "{action} loaded but has no function {main}.",
			Why:  "The entry point is looked up by name after loading.",
			Next: []string{"wsk action update {action} FILE --main NAME", "wsk action get {action}"},
			Doc:  `The entry point is "main" unless --main names another. Node.js also finds exports.main; Java needs the class.`,
		},
		{
			Code: MissingDependency, Component: Code, Whose: Actions,
			What: "{action} imports a module that is neither in its code nor in the runtime.",
			Why:  "The runtime's message names the module.",
			Next: []string{"zip -r action.zip . && wsk action update {action} action.zip --kind {kind}", "wsk activation logs {id}"},
			Doc: `Put dependencies into the archive: node_modules beside package.json, a
virtualenv folder for Python, vendor/ for PHP.`,
		},
		{
			Code: InitExited, Component: Action, Whose: Actions,
			What: "{action} ended its process while it was loading.",
			Why:  "Code at the top level exited, crashed or was killed.",
			Next: []string{"wsk activation logs {id}", "wsk action update {action} FILE"},
			Doc:  `Top-level code runs once per container, before the first run.`,
		},
		{
			Code: Timeout, Component: Action, Whose: Actions,
			What: "{action} was stopped at its time limit.",
			Why:  "It had not answered after {limit} ms.",
			Next: []string{"wsk activation logs {id}", "wsk action update {action} --timeout 120000", "wsk action invoke {action} --blocking"},
			Doc: `The limit covers loading and each run; it is 60 s unless set, at most 300 s.
A blocking caller gets the activation id after 60 s and the run goes on.`,
		},
		{
			Code: OutOfMemory, Component: Action, Whose: Actions,
			What: "{action} used all of its memory and was stopped.",
			Why:  "The limit is {limit} MB for the whole container, the runtime included.",
			Next: []string{"wsk action update {action} --memory 512", "wsk activation get {id}"},
			Doc:  `The limit counts the runtime itself (Node.js about 45 MB, Java about 60 MB) and files written to /tmp.`,
		},
		{
			Code: InitTimeout, Component: Code, Whose: Actions,
			What: "{action} did not finish loading within its time limit.",
			Why:  "Top-level code waited or computed for {limit} ms.",
			Next: []string{"wsk activation logs {id}", "wsk action update {action} --timeout 120000"},
			Doc:  `Move slow work from the top level into the function, or raise the limit.`,
		},
		{
			Code: Exited, Component: Action, Whose: Actions,
			What: "{action} ended its process instead of returning.",
			Why:  "The process exited, crashed or closed the channel of its answer.",
			Next: []string{"wsk activation logs {id}", "wsk action update {action} FILE # return a value, do not exit"},
			Doc:  `An action answers by returning; process.exit, sys.exit and os.Exit end the container and the run fails.`,
		},
		{
			Code: WrongResult, Component: Action, Whose: Actions,
			What: "{action} did not return an object or an array.",
			Why:  "A result is a JSON object or a JSON array.",
			Next: []string{"wsk action update {action} FILE # return {\"value\": 42} instead of 42", "wsk activation logs {id}"},
			Doc:  `Numbers, strings, null and values that JSON cannot hold (functions, cycles, NaN) are refused.`,
		},
		{
			Code: ResultTooBig, Component: Limits, Whose: Actions,
			What: "The result of {action} is larger than allowed and was cut.",
			Why:  "An activation keeps at most 1 MB of result.",
			Next: []string{"wsk activation result {id}", "wsk action update {action} FILE # store the data, return its name"},
			Doc:  `Write large results to an object store and return a reference.`,
		},
		{
			Code: LogsTruncated, Component: Limits, Whose: Actions,
			What: "{action} wrote more than its log limit; the rest is not kept.",
			Why:  "The limit is {limit} MB for each activation.",
			Next: []string{"wsk action update {action} --logsize 10", "wsk activation logs {id}"},
			Doc:  `The limit is 10 MB unless set, at most 10 MB; 0 keeps no logs.`,
		},
		{
			Code: ArchiveRefused, Component: Code, Whose: Actions,
			What: "The archive of {action} was not unpacked.",
			Why:  "It has entries outside its own folder, special files, too many entries, or unpacks to too much.",
			Next: []string{"unzip -l action.zip", "zip -r action.zip . && wsk action update {action} action.zip --kind {kind}"},
			Doc:  `An archive holds plain files, folders and links that stay inside it.`,
		},
		{
			Code: FiredIntoNothing, Component: Request, Whose: Yours,
			What: "The trigger fired, but a rule led nowhere.",
			Why:  "The action of the rule was deleted or may not be invoked any more.",
			Next: []string{"wsk rule list", "wsk rule delete RULE"},
			Doc:  `The activation of a trigger logs the outcome of each of its rules.`,
		},
	}
}
