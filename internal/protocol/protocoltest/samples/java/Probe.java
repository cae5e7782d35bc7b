import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

public class Probe {
    static final String SEEN = System.getenv("K"), EMPTY = System.getenv("EMPTY");

    static {
        System.out.println("loading");
    }

    static JsonObject object(String key, String value) {
        JsonObject o = new JsonObject();
        o.addProperty(key, value);
        return o;
    }

    public static JsonObject main(JsonObject args) {
        String what = args.has("do") ? args.get("do").getAsString() : "";
        if (what.equals("print")) {
            System.out.println("hello stdout");
            System.err.println("hello stderr");
        } else if (what.equals("winter")) {
            String winter = "\u2744 " + args.get("delimiter").getAsString() + " \u2603";
            System.out.println(winter);
            return object("winter", winter);
        } else if (what.equals("env")) {
            JsonObject env = new JsonObject();
            System.getenv().forEach((k, v) -> {
                if (k.startsWith("__OW_")) env.addProperty(k.substring(5).toLowerCase(), v);
            });
            return env;
        } else if (what.equals("start")) {
            JsonObject o = object("seen", SEEN);
            o.addProperty("empty", EMPTY);
            return o;
        } else if (what.equals("answer")) {
            return args.getAsJsonObject("answer");
        } else if (what.equals("throw")) {
            throw new IllegalStateException("wrong");
        } else if (what.equals("exit")) {
            Runtime.getRuntime().halt(1);
        }
        return args;
    }

    public static JsonObject niam(JsonObject args) {
        JsonObject o = new JsonObject();
        o.addProperty("niam", true);
        return o;
    }
}
