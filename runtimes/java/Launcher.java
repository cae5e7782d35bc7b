// The Java launcher: one line of JSON in on stdin, one line out on fd 3 (see internal/protocol).
// Works on Java 8 and later, with gson on the class path. OpenWhisk 3.8.2.

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

public final class Launcher {
    private static final String NO_BINARY =
        "The action failed to generate or locate a binary. See logs for details.";
    private static final String CANNOT_START = "Cannot start action. Check logs for details.";
    private static final String NO_RESULT = "The action did not return a dictionary or array.";

    private final OutputStream answers;
    private Map<String, String> before = new HashMap<>(); // variables of the last run, as they were without it
    private Method entry;

    private Launcher(OutputStream answers) {
        this.answers = answers;
    }

    public static void main(String[] args) throws Exception {
        System.setOut(new PrintStream(System.out, true, "UTF-8"));
        System.setErr(new PrintStream(System.err, true, "UTF-8"));
        BufferedReader requests =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8), 1 << 16);
        System.setIn(new ByteArrayInputStream(new byte[0]));
        Launcher launcher = new Launcher(new FileOutputStream("/proc/self/fd/3"));
        launcher.answer("{\"ok\":true}");
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            launcher.answer(launcher.step(line));
        }
        System.exit(0);
    }

    private void answer(String line) {
        System.out.flush();
        System.err.flush();
        try {
            answers.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            Runtime.getRuntime().halt(1); // nobody can hear an answer any more
        }
    }

    private static String failure(int status, String message) {
        JsonObject error = new JsonObject();
        error.addProperty("error", message);
        return "!" + status + " " + error;
    }

    private String step(String line) {
        JsonObject body;
        try {
            body = JsonParser.parseString(line).getAsJsonObject();
        } catch (RuntimeException | StackOverflowError e) {
            return failure(400, "Error unmarshaling request: " + e.getMessage());
        }
        if (entry != null) {
            return run(body);
        }
        if (!body.has("init")) {
            return failure(500, "no action defined yet");
        }
        return initialize(body.getAsJsonObject("init"));
    }

    // ---- loading the action

    private String initialize(JsonObject init) {
        String dir = text(init, "dir");
        String main = text(init, "main");
        if (dir.isEmpty() || main.isEmpty()) {
            return failure(403, "Missing main/no code to execute.");
        }
        if (init.has("env")) {
            for (Map.Entry<String, JsonElement> e : init.getAsJsonObject("env").entrySet()) {
                Environment.set(e.getKey(), string(e.getValue()));
            }
        }
        try {
            entry = find(new File(dir), main);
            return "{\"ok\":true}";
        } catch (ClassNotFoundException | NoSuchMethodException e) {
            e.printStackTrace();
            return failure(502, NO_BINARY);
        } catch (Exception | LinkageError e) {
            e.printStackTrace();
            return failure(502, CANNOT_START);
        }
    }

    private static Method find(File dir, String main) throws Exception {
        int hash = main.indexOf('#');
        String className = hash < 0 ? main : main.substring(0, hash);
        String methodName = hash < 0 ? "main" : main.substring(hash + 1);
        List<URL> urls = new ArrayList<>();
        urls.add(dir.toURI().toURL());
        File[] files = dir.listFiles((d, name) -> name.endsWith(".jar"));
        for (File jar : files == null ? new File[0] : files) {
            urls.add(jar.toURI().toURL());
        }
        ClassLoader loader = new URLClassLoader(urls.toArray(new URL[0]), Launcher.class.getClassLoader());
        Thread.currentThread().setContextClassLoader(loader);
        Class<?> owner = Class.forName(className, true, loader);
        for (Class<?> argument : new Class<?>[] {JsonObject.class, JsonArray.class, JsonElement.class}) {
            try {
                Method m = owner.getMethod(methodName, argument);
                if (Modifier.isStatic(m.getModifiers())) {
                    m.setAccessible(true);
                    return m;
                }
            } catch (NoSuchMethodException e) {
                continue;
            }
        }
        throw new NoSuchMethodException(className + "." + methodName + "(com.google.gson.JsonObject)");
    }

    // ---- running the action

    private String run(JsonObject body) {
        JsonElement value = body.remove("value");
        export(body);
        try {
            Object result = entry.invoke(null, value == null || value.isJsonNull() ? new JsonObject() : value);
            if (result instanceof JsonObject || result instanceof JsonArray) {
                return result.toString();
            }
            return failure(502, NO_RESULT);
        } catch (InvocationTargetException e) {
            e.getCause().printStackTrace();
            return failure(502, "An error has occurred (see logs for details): " + e.getCause());
        } catch (ReflectiveOperationException | RuntimeException | StackOverflowError e) {
            e.printStackTrace();
            return failure(502, "An error has occurred (see logs for details): " + e);
        }
    }

    // export sets the variables of a run. What only an earlier one has had is what it was before.
    private void export(JsonObject body) {
        Map<String, String> now = new HashMap<>();
        for (Map.Entry<String, JsonElement> e : body.entrySet()) {
            String name = "__OW_" + e.getKey().toUpperCase();
            now.put(name, before.containsKey(name) ? before.remove(name) : System.getenv(name));
            Environment.set(name, string(e.getValue()));
        }
        for (Map.Entry<String, String> e : before.entrySet()) {
            Environment.set(e.getKey(), e.getValue());
        }
        before = now;
    }

    private static String text(JsonObject o, String key) {
        return o.has(key) ? string(o.get(key)) : "";
    }

    private static String string(JsonElement e) {
        return e.isJsonPrimitive() ? e.getAsString() : e.toString();
    }

    // Environment changes what System.getenv shows; the process has no other way to.
    private static final class Environment {
        private static final Map<String, String> ENV = writable();

        @SuppressWarnings("unchecked")
        private static Map<String, String> writable() {
            try {
                Map<String, String> shown = System.getenv();
                java.lang.reflect.Field field = shown.getClass().getDeclaredField("m");
                field.setAccessible(true);
                return (Map<String, String>) field.get(shown);
            } catch (ReflectiveOperationException | RuntimeException e) {
                return new HashMap<>();
            }
        }

        static void set(String key, String value) {
            if (value == null) {
                ENV.remove(key);
            } else {
                ENV.put(key, value);
            }
        }
    }
}
