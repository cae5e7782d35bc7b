package fault

// hostFaults are what the machine or its configuration does not give.
func hostFaults() []Fault {
	return []Fault{
		{
			Code: CgroupNotDelegated, Component: Sandbox, Whose: Hosts,
			What: "The kernel does not enforce the memory and CPU limits of actions here.",
			Why:  "No cgroup is writable for this user; resource limits of the process and a watchdog stand in.",
			Next: []string{"systemctl edit user@.service # [Service] Delegate=yes", "sudo gowhisk serve"},
			Doc: `Without an own cgroup an action can exceed its memory limit for a moment
before it is stopped, and its children count only together with it.`,
		},
		{
			Code: UserNSForbidden, Component: Sandbox, Whose: Hosts,
			What: "This host forbids unprivileged user namespaces, so actions would run unisolated.",
			Why:  "A setting of the kernel or of AppArmor refuses them to ordinary users.",
			Next: []string{"sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0", "sudo gowhisk serve", "gowhisk serve --isolation none # trusted code only"},
			Doc:  `gowhisk does not start unisolated unless it is told to by flag.`,
		},
		{
			Code: PortInUse, Component: Listener, Whose: Yours,
			What: "Port {port} is taken by {program}.",
			Why:  "Another program listens there.",
			Next: []string{"gowhisk serve --listen {free}", "kill {pid}"},
			Doc:  `One address and port has one listener. Port 0 lets the kernel choose; the address is written to DATA_DIR/address.`,
		},
	}
}
