package com.google.gson;

/** The part of Gson that the samples are compiled against; the runtime brings the real one. */
public final class JsonObject extends JsonElement {
    public boolean has(String name) {
        throw new UnsupportedOperationException();
    }

    public JsonElement get(String name) {
        throw new UnsupportedOperationException();
    }

    public JsonObject getAsJsonObject(String name) {
        throw new UnsupportedOperationException();
    }

    public JsonElement remove(String name) {
        throw new UnsupportedOperationException();
    }

    public void add(String name, JsonElement value) {
        throw new UnsupportedOperationException();
    }

    public void addProperty(String name, String value) {
        throw new UnsupportedOperationException();
    }

    public void addProperty(String name, Boolean value) {
        throw new UnsupportedOperationException();
    }
}
