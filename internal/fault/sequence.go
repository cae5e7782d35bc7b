package fault

// sequenceFaults are those of sequences and compositions, beside what their
// parts do wrong themselves.
func sequenceFaults() []Fault {
	return []Fault{
		{
			Code: ComponentMissing, Component: Action, Whose: Yours,
			What: "{action} names an action that does not exist any more.",
			Why:  "A component, or its package, was deleted or renamed after the sequence was written.",
			Next: []string{"wsk action get {action}", "wsk activation logs {id} # the components that ran"},
			Doc:  `A sequence runs its components as they are at that moment; it keeps no copies.`,
		},
		{
			Code: TooManyActions, Component: Limits, Whose: Yours,
			What: "{action} ran as many actions as it may.",
			Why:  "A sequence runs at most 50 actions, those of nested sequences included; a composition 50, and its conductors 101 times.",
			Next: []string{"wsk activation logs {id} # what ran", "wsk action get {action}"},
			Doc: `Sequences are counted when they are written and when they run, because a
nested sequence may have grown since. A conductor that is told of the limit may
end the composition itself.`,
		},
		{
			Code: StepLate, Component: Scheduler, Whose: Ours,
			What: "A part of {action} had no result a minute after its time limit.",
			Why:  "It waited that long for a container, or its container does not answer.",
			Next: []string{"wsk activation list --limit 20", "gowhisk doctor"},
			Doc:  `The part goes on alone and gets its own record; what came after it was not run.`,
		},
		{
			Code: StepFailed, Component: Scheduler, Whose: Ours,
			What: "A part of {action} could not be started.",
			Why:  "The server had no room for it, or could not read it.",
			Next: []string{"wsk activation logs {id} # the parts that ran", "wsk action invoke {action}"},
			Doc:  `The parts before it ran and have records; what came after it was not run.`,
		},
	}
}
