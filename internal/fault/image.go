package fault

// imageFaults are failures of `gowhisk build` and `gowhisk export`.
func imageFaults() []Fault {
	return []Fault{
		{
			Code: SourceRefused, Component: Code, Whose: Yours,
			What: "No action can be made of {source}.",
			Why:  "It is not a file, archive, folder or git repository with the code of an action.",
			Next: []string{"gowhisk build --help", "gowhisk build FILE --kind nodejs:20 --base IMAGE --push IMAGE"},
			Doc: `A source is a file of code, a zip or tar.gz archive, a folder, or the URL of a
git repository with #REVISION or #REVISION:FOLDER. Archives are extracted under
the limits of the local backend; links that leave the source are refused.
Repositories are read by https and ssh, and by http from this machine alone.`,
		},
		{
			Code: InstallFailed, Component: Code, Whose: Yours,
			What: "The dependencies of {source} could not be installed.",
			Why:  "The package manager that ran on this machine failed.",
			Next: []string{"gowhisk build FOLDER --no-install …", "gowhisk build FOLDER --scripts … # lets packages run their scripts"},
			Doc: `npm and pip are run in a folder of their own. Scripts of packages are not
run and Python packages are taken as wheels only, unless --scripts allows both.
--no-install takes the folder as it is.`,
		},
		{
			Code: CompileFailed, Component: Code, Whose: Yours,
			What: "{source} could not be compiled.",
			Why:  "The compiler is not on this machine, or has something against the source.",
			Next: []string{"gowhisk build SOURCE --tekton … # compiles in the cluster", "gowhisk build FOLDER-WITH-exec …"},
			Doc: `Source of Go, Rust, Swift, Java and .NET is compiled by the compiler of this
machine: go, cargo, swiftc, javac or the SDK of .NET. Go is compiled for every
platform, Java and .NET are the same on all, Rust and Swift are compiled for the
architecture of this machine alone. A base of --tekton's Task brings the compiler
instead; a compiled program, jar or assembly is taken as it is.`,
		},
		{
			Code: BaseRefused, Component: Runtime, Whose: Yours,
			What: "Nothing can be built on the image {image}.",
			Why:  "It is not an image that a layer can be added to.",
			Next: []string{"gowhisk build runtime --kind KIND --base IMAGE --push IMAGE", "gowhisk build --platform linux/amd64 …"},
			Doc: `A base is an image or index for Linux with layers that registries hold, in the
format of OCI or of Docker's schema 2. Images of schema 1 have to be pushed
again by a client of this decade.`,
		},
		{
			Code: RegistryFailed, Component: Request, Whose: Hosts,
			What: "The registry {registry} did not do its part for {image}.",
			Why:  "It refused, or did not answer in time.",
			Next: []string{"docker login {registry}", "gowhisk build --oci-dir FOLDER …"},
			Doc: `Credentials are those of "docker login": ~/.docker/config.json and its
helpers. Layers are pushed first and the manifest last, so the image is there
as a whole or, after this failure, as it was before. Plain HTTP is spoken with
registries on this machine and in private networks only.`,
		},
		{
			Code: TargetFailed, Component: Request, Whose: Yours,
			What: "The image could not be written to {target}.",
			Why:  "The file or folder could not be made.",
			Next: []string{"gowhisk build --oci-dir FOLDER …", "gowhisk build --tar FILE …"},
			Doc:  `What was there before is still there: an image is written beside its target and then renamed.`,
		},
	}
}
