using System;
using System.Collections;
using Newtonsoft.Json.Linq;

namespace Contract
{
    public class Probe
    {
        static readonly string seen = Environment.GetEnvironmentVariable("K"), empty = Environment.GetEnvironmentVariable("EMPTY");

        static Probe()
        {
            Console.WriteLine("loading");
        }

        public JToken Main(JToken args)
        {
            switch ((string)(args as JObject)?["do"])
            {
                case "print":
                    Console.WriteLine("hello stdout");
                    Console.Error.WriteLine("hello stderr");
                    break;
                case "winter":
                    string winter = "❄ " + args["delimiter"] + " ☃";
                    Console.WriteLine(winter);
                    return new JObject { { "winter", winter } };
                case "env":
                    var env = new JObject();
                    foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
                    {
                        string key = (string)variable.Key;
                        if (key.StartsWith("__OW_")) env[key.Substring(5).ToLower()] = (string)variable.Value;
                    }
                    return env;
                case "start":
                    return new JObject { { "seen", seen }, { "empty", empty } };
                case "answer":
                    return args["answer"];
                case "text":
                    return "text";
                case "throw":
                    throw new InvalidOperationException("wrong");
                case "exit":
                    Environment.Exit(1);
                    break;
            }
            return args;
        }

        public static JObject Niam()
        {
            return new JObject { { "niam", true } };
        }
    }
}
