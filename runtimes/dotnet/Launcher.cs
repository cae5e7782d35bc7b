// The .NET launcher: one line of JSON in on stdin, one line out on fd 3 (see internal/protocol).
// Works on .NET Core 3.1 and later. An action takes and returns what its own assembly calls JSON:
// Newtonsoft's JObject or JArray, or a node of System.Text.Json. OpenWhisk 3.8.4.
//
// Arguments: assemblies for actions that do not bring them.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.Loader;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;

public sealed class Launcher
{
    const string NoCode = "Missing main/no code to execute.";
    const string NoBinary = "The action failed to generate or locate a binary. See logs for details.";
    const string CannotStart = "Cannot start action. Check logs for details.";
    const string NoResult = "The action did not return a dictionary or array.";
    const string Ok = "{\"ok\":true}";

    readonly string[] shared;
    readonly Stream answers;
    Dictionary<string, string> before = new Dictionary<string, string>(); // variables of the last run, as they were without it
    MethodInfo entry;
    MethodInfo parse; // of the entry point's parameter type; null if it takes nothing

    // Refused means that the code can not be used; the message goes to the logs.
    sealed class Refused : Exception
    {
        public Refused(string message) : base(message) { }
    }

    Launcher(string[] shared, Stream answers)
    {
        this.shared = shared;
        this.answers = answers;
    }

    public static int Main(string[] shared)
    {
        var requests = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false), false, 1 << 16);
        Console.SetIn(TextReader.Null);
        var launcher = new Launcher(shared, OpenAnswers());
        launcher.Answer(Ok);
        for (string line = requests.ReadLine(); line != null; line = requests.ReadLine())
        {
            launcher.Answer(launcher.Step(line));
        }
        Environment.Exit(0);
        return 0;
    }

    // OpenAnswers opens the descriptor anew, so that children of the action do not have it.
    static Stream OpenAnswers()
    {
        var stream = new FileStream("/proc/self/fd/3", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 1);
        new SafeFileHandle((IntPtr)3, true).Dispose();
        return stream;
    }

    void Answer(string line)
    {
        Console.Out.Flush();
        Console.Error.Flush();
        try
        {
            byte[] bytes = Encoding.UTF8.GetBytes(line + "\n");
            answers.Write(bytes, 0, bytes.Length);
            answers.Flush();
        }
        catch (IOException)
        {
            Environment.Exit(1); // nobody can hear an answer any more
        }
    }

    static string Failure(int status, string message)
    {
        return "!" + status + " " + Error(message);
    }

    static string Error(string message)
    {
        return JsonSerializer.Serialize(new Dictionary<string, string> { { "error", message } });
    }

    string Step(string line)
    {
        JsonDocument body;
        try
        {
            body = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 10000 });
        }
        catch (JsonException e)
        {
            return Failure(400, "Error unmarshaling request: " + e.Message);
        }
        using (body)
        {
            if (entry != null)
            {
                return Run(body.RootElement);
            }
            return body.RootElement.TryGetProperty("init", out JsonElement init)
                ? Initialize(init)
                : Failure(500, "no action defined yet");
        }
    }

    // ---- loading the action

    string Initialize(JsonElement init)
    {
        string dir = Text(init, "dir"), main = Text(init, "main");
        if (dir == "" || main == "")
        {
            return Failure(403, NoCode);
        }
        if (init.TryGetProperty("env", out JsonElement env) && env.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty member in env.EnumerateObject())
            {
                Environment.SetEnvironmentVariable(member.Name, String(member.Value));
            }
        }
        try
        {
            Load(dir, main);
            return Ok;
        }
        catch (Refused e)
        {
            Console.Error.WriteLine(e.Message);
            return Failure(502, NoBinary);
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e);
            return Failure(502, CannotStart);
        }
    }

    void Load(string dir, string main)
    {
        string[] parts = main.Split("::");
        if (parts.Length != 3)
        {
            throw new Refused("main is \"" + main + "\": it must be \"Assembly::Type::Method\".");
        }
        string file = Path.Combine(dir, parts[0] + ".dll");
        if (!File.Exists(file))
        {
            file = Path.Combine(dir, "action.dll"); // what was sent as one assembly has no name
        }
        if (!File.Exists(file))
        {
            throw new Refused("There is no assembly " + parts[0] + ".dll at the root of the action.");
        }
        Directory.SetCurrentDirectory(dir);
        AssemblyLoadContext.Default.Resolving += (context, name) => Resolve(context, dir, name);
        Type owner = AssemblyLoadContext.Default.LoadFromAssemblyPath(file).GetType(parts[1], false);
        if (owner == null)
        {
            throw new Refused("There is no type " + parts[1] + " in " + parts[0] + ".dll.");
        }
        const BindingFlags any = BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance;
        MethodInfo method = owner.GetMethods(any).FirstOrDefault(m => m.Name == parts[2] && m.GetParameters().Length <= 1);
        if (method == null)
        {
            throw new Refused("There is no public method " + parts[2] + " with one argument in " + parts[1] + ".");
        }
        parse = method.GetParameters().Length == 0 ? null : ParserOf(method.GetParameters()[0].ParameterType);
        target = method.IsStatic ? null : Activator.CreateInstance(owner);
        System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(owner.TypeHandle);
        entry = method;
    }

    object target; // whose method the entry point is; null for a static one

    Assembly Resolve(AssemblyLoadContext context, string dir, AssemblyName name)
    {
        string own = Path.Combine(dir, name.Name + ".dll");
        string file = File.Exists(own) ? own : shared.FirstOrDefault(f => Path.GetFileNameWithoutExtension(f) == name.Name);
        return file == null ? null : context.LoadFromAssemblyPath(file);
    }

    // ParserOf finds the static method that makes such an argument of text.
    static MethodInfo ParserOf(Type type)
    {
        for (Type t = type; t != null; t = t.BaseType)
        {
            foreach (MethodInfo m in t.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
            {
                ParameterInfo[] takes = m.GetParameters();
                if (m.Name == "Parse" && takes.Length > 0 && takes[0].ParameterType == typeof(string) && takes.Skip(1).All(p => p.IsOptional))
                {
                    return m;
                }
            }
        }
        throw new Refused("The argument is of type " + type + ": it must be a JObject or JArray.");
    }

    // ---- running the action

    string Run(JsonElement body)
    {
        Export(body);
        string value = body.TryGetProperty("value", out JsonElement v) && v.ValueKind != JsonValueKind.Null ? v.GetRawText() : "{}";
        try
        {
            return Result(entry.Invoke(target, parse == null ? new object[0] : new[] { Parsed(value) }));
        }
        catch (TargetInvocationException e)
        {
            Console.Error.WriteLine(e.InnerException);
            return Error(e.InnerException.Message);
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e);
            return Error(e.Message);
        }
    }

    object Parsed(string text)
    {
        object[] arguments = parse.GetParameters().Select(p => p.Position == 0 ? text : p.DefaultValue).ToArray();
        for (int i = 1; i < arguments.Length; i++)
        {
            Type type = parse.GetParameters()[i].ParameterType;
            arguments[i] = arguments[i] == null && type.IsValueType ? Activator.CreateInstance(type) : arguments[i];
        }
        return parse.Invoke(null, arguments);
    }

    // Result is the text of what the action returned or promised.
    static string Result(object returned)
    {
        if (returned is Task task)
        {
            task.GetAwaiter().GetResult();
            returned = task.GetType().GetProperty("Result")?.GetValue(task);
        }
        string text = returned == null ? "" : Text(returned).Replace("\r", "").Replace("\n", "");
        return text.StartsWith("{") || text.StartsWith("[") ? text : Failure(502, NoResult);
    }

    static string Text(object json)
    {
        MethodInfo write = json.GetType().GetMethod("ToJsonString"); // of System.Text.Json.Nodes
        return write == null ? json.ToString() : (string)write.Invoke(json, new object[write.GetParameters().Length]);
    }

    // Export sets the variables of a run. What only an earlier one has had is what it was before.
    void Export(JsonElement body)
    {
        var now = new Dictionary<string, string>();
        foreach (JsonProperty member in body.EnumerateObject().Where(m => m.Name != "value"))
        {
            string key = "__OW_" + member.Name.ToUpperInvariant();
            if (!before.Remove(key, out string old) && !now.TryGetValue(key, out old))
            {
                old = Environment.GetEnvironmentVariable(key);
            }
            now[key] = old;
            Environment.SetEnvironmentVariable(key, String(member.Value));
        }
        foreach (var was in before)
        {
            Environment.SetEnvironmentVariable(was.Key, was.Value);
        }
        before = now;
    }

    static string Text(JsonElement o, string key)
    {
        return o.TryGetProperty(key, out JsonElement e) ? String(e) : "";
    }

    static string String(JsonElement e)
    {
        return e.ValueKind == JsonValueKind.String ? e.GetString() : e.GetRawText();
    }
}
