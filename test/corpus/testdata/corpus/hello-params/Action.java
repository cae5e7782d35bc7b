import com.google.gson.JsonObject;

public class Action {
    static String text(JsonObject args, String key, String other) {
        return args.has(key) ? args.remove(key).getAsString() : other;
    }

    public static JsonObject main(JsonObject args) {
        JsonObject result = new JsonObject();
        result.addProperty("greeting", text(args, "name", "nobody") + " of " + text(args, "place", "nowhere"));
        result.add("rest", args);
        return result;
    }
}
