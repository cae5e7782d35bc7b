package fault

// webFaults are those of calls of web actions.
func webFaults() []Fault {
	return []Fault{
		{
			Code: WebProtected, Component: Auth, Whose: Yours,
			What: "The web action is protected, and the request does not show what opens it.",
			Why:  "Its annotation require-whisk-auth asks for a secret, or for the key of any user.",
			Next: []string{"curl -H 'X-Require-Whisk-Auth: SECRET' URL", "curl -u UUID:KEY URL # if the annotation is true"},
			Doc: `The owner sees the secret with "wsk action get {action} annotations", sets it
with "wsk action update {action} --web-secure SECRET" and takes it away with
"--web-secure false".`,
		},
		{
			Code: WebResult, Component: Action, Whose: Actions,
			What: "The result of {action} cannot be sent as the extension of the URL asks.",
			Why:  "The result lacks the member of that extension, or its headers, status or content type are not valid.",
			Next: []string{"wsk activation result {id}", "curl URL.json # the result as it is"},
			Doc: `Without an extension, and with .http, the result is an object with statusCode,
headers and body. A body that is not text is base64, and its content-type says
so. .html, .svg and .text send the member body, or the one of their name; .json
sends everything.`,
		},
		{
			Code: WebFailed, Component: Action, Whose: Actions,
			What: "{action} failed, and visitors are not told why.",
			Why:  "It crashed, ran out of time or memory, or did not return an object.",
			Next: []string{"wsk activation get {id}", "gowhisk explain {id}"},
			Doc: `The response names the activation in the header X-Openwhisk-Activation-Id. An
action that means to answer with an error returns {"error": {"statusCode": 404,
"body": "…"}}.`,
		},
	}
}
