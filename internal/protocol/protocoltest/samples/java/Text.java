import com.google.gson.JsonObject;

public class Text {
    public static Object main(JsonObject args) {
        return "text";
    }
}
