package fault

// requestFaults are refusals before anything runs.
func requestFaults() []Fault {
	return []Fault{
		{
			Code: BadKey, Component: Auth, Whose: Yours,
			What: "The server does not know this key.",
			Why:  "The key was made for another server or data directory, or its subject was deleted or blocked.",
			Next: []string{"wsk property get --apihost --auth", "gowhisk admin user get SUBJECT", "wsk property set --auth UUID:KEY"},
			Doc: `A key is a UUID, a colon and 64 characters, and belongs to one namespace of
one subject. A data directory has its own subjects: a .wskprops file written
for one server does not open another. The operator lists the keys with
"gowhisk admin user list NAMESPACE -a -k".`,
		},
		{
			Code: KindMissing, Component: Runtime, Whose: Hosts,
			What: "The kind {kind} cannot run on this host.",
			Why:  "The program that runs it was not found in PATH.",
			Next: []string{"gowhisk doctor", "wsk action update {action} FILE --kind {kinds}"},
			Doc: `The server knows the kind but the host lacks its interpreter or compiler.
"gowhisk doctor" lists what was looked for and what was found. Install it and
start the server again: kinds are discovered at start-up.`,
		},
		{
			Code: KindDeprecated, Component: Runtime, Whose: Yours,
			What: "The kind {kind} is deprecated: its actions can be read and deleted, not updated or invoked.",
			Why:  "The runtimes manifest of this server marks it as deprecated.",
			Next: []string{"wsk action create {action} FILE --kind {kinds}"},
			Doc:  `Create the action again with a kind that is not deprecated, under the same name if you like.`,
		},
		{
			Code: KindUnknown, Component: Runtime, Whose: Yours,
			What: "There is no kind {kind}.",
			Why:  "The runtimes manifest of this server does not list it.",
			Next: []string{"curl -s http://APIHOST/", "wsk action create {action} FILE --kind {kinds}"},
			Doc: `"GET /" lists the kinds of the server under "runtimes". "FAMILY:default"
selects the default of a family, for instance nodejs:default.`,
		},
		{
			Code: Malformed, Component: Request, Whose: Yours,
			What: "The request cannot be read.",
			Why:  "Its body or a query parameter is not what this route expects; the message names which.",
			Next: []string{"wsk -v COMMAND", "curl -s http://APIHOST/api/v1/api-docs"},
			Doc:  `"wsk -v" prints the request as it was sent.`,
		},
		{
			Code: CodeTooBig, Component: Limits, Whose: Yours,
			What: "The code of {action} is larger than allowed.",
			Why:  "Code may have 48 MB as it is sent: about 36 MB of archive before base64.",
			Next: []string{"npm prune --omit=dev", "zip -r action.zip . -x '*.git*'"},
			Doc: `An archive is sent base64-encoded, which makes it a third larger. Leave out
what the runtime has already, test files and version control data.`,
		},
		{
			Code: PayloadTooBig, Component: Limits, Whose: Yours,
			What: "The arguments are larger than allowed.",
			Why:  "An activation takes at most 1 MB of arguments, bound parameters included.",
			Next: []string{"wsk action invoke {action} --param url https://…", "gowhisk admin limits set {namespace} --maxPayloadSize BYTES"},
			Doc:  `Pass a reference to large data instead of the data.`,
		},
		{
			Code: NotFound, Component: Request, Whose: Yours,
			What: "There is no {name}.",
			Why:  "The name is misspelt, is in another package or namespace, or was deleted.",
			Next: []string{"wsk list", "wsk action create {action} FILE"},
			Doc:  `Names are /NAMESPACE/PACKAGE/NAME; "_" stands for the namespace of the key.`,
		},
		{
			Code: NotWebAction, Component: Request, Whose: Yours,
			What: "{action} is not published on the web.",
			Why:  "It lacks the annotation web-export.",
			Next: []string{"wsk action update {action} --web true"},
			Doc:  `A web action is reached without a key, so publishing is explicit.`,
		},
		{
			Code: ProtectedParam, Component: Request, Whose: Yours,
			What: "A parameter of {action} is fixed and cannot be set by a web request.",
			Why:  "The parameters of a web action are final.",
			Next: []string{"wsk action update {action} -a final false", "curl -s URL # with another name"},
			Doc:  `Values bound to the action or its package win over what the caller sends, and a web request that tries is refused.`,
		},
		{
			Code: NotEntitled, Component: Auth, Whose: Yours,
			What: "This key has no right to do that.",
			Why:  "Outside its own namespace a key may only use shared packages.",
			Next: []string{"wsk namespace list", "wsk package update PACKAGE --shared yes # by the owner"},
			Doc:  `A foreign entity that does not exist is refused in the same words.`,
		},
		{
			Code: RateLimit, Component: Limits, Whose: Yours,
			What: "Namespace {namespace} has used its calls for this minute.",
			Why:  "The window is the minute of the clock; refused calls count, too.",
			Next: []string{"wsk namespace get", "gowhisk admin limits set {namespace} --invocationsPerMinute 600"},
			Doc: `The default is 60 invocations and 60 trigger fires a minute for each
namespace. An operator raises it for one namespace with "gowhisk admin limits
set" and for all with the setting invocationsPerMinute.`,
		},
		{
			Code: ConcurrentLimit, Component: Limits, Whose: Yours,
			What: "Namespace {namespace} has as many activations in flight as it may.",
			Why:  "Waiting, running and not yet recorded activations count, those of sequences included.",
			Next: []string{"wsk activation list", "gowhisk admin limits set {namespace} --concurrentInvocations 100"},
			Doc:  `The default is 30 for each namespace.`,
		},
		{
			Code: NotYet, Component: Request, Whose: Ours,
			What: "This version of gowhisk cannot do that yet.",
			Why:  "It is a part of OpenWhisk that is not here yet.",
			Next: []string{"gowhisk version"},
			Doc: `What works on which backend is listed in docs/COMPATIBILITY.md, each feature
with the test that shows it.`,
		},
	}
}
