package com.google.gson;

/** The part of Gson that the samples are compiled against; the runtime brings the real one. */
public final class JsonArray extends JsonElement {
}
