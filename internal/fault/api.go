package fault

// apiFaults are those of calls of APIs, which the gateway routes.
func apiFaults() []Fault {
	return []Fault{
		{
			Code: APIPath, Component: Request, Whose: Yours,
			What: "No API has the path of the URL.",
			Why:  "The API was deleted, the path is written in another way, or it belongs to another namespace.",
			Next: []string{"wsk api list --full # the URLs of all paths"},
			Doc: `A path is the URL of the API, its base path, and a path of the API; a part in
braces stands for any one segment. What follows goes to the action.`,
		},
		{
			Code: APIVerb, Component: Request, Whose: Yours,
			What: "The API has the path, but not for this method.",
			Why:  "Each method of a path is published on its own.",
			Next: []string{"wsk api list BASE_PATH PATH # its methods", "wsk api create BASE_PATH PATH METHOD ACTION"},
			Doc:  `OPTIONS is answered for every path, unless the API's document switches CORS off.`,
		},
		{
			Code: APITarget, Component: Request, Whose: Actions,
			What: "The API's document leads to something that is not a web action of this server.",
			Why:  "Its target-url names another server, or no web action.",
			Next: []string{"wsk api get BASE_PATH # see target-url", "wsk api create BASE_PATH PATH METHOD ACTION # lead the path to an action"},
			Doc: `The gateway calls the web actions of its own server and opens no connections.
Names of this server are those under which wsk or a document's author reached
it when the API was made.`,
		},
	}
}
