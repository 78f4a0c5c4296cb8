package org.covidcxr.app.client;

import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;
import org.json.JSONTokener;

/**
 * Reads JSON as it comes: a field that is missing or of another type is absent, never an exception.
 *
 * <p>org.json's own getters turn a null into the text "null", and numbers into texts.
 */
final class JsonFields {
    private JsonFields() {}

    /** Null if the text is anything but a JSON object. */
    static JSONObject object(String text) {
        try {
            Object value = new JSONTokener(text).nextValue();
            return value instanceof JSONObject ? (JSONObject) value : null;
        } catch (JSONException broken) {
            return null;
        } catch (StackOverflowError nestedTooDeep) {
            // The parser is recursive: a hostile server could bring the app down with brackets.
            return null;
        }
    }

    /** Empty if absent. */
    static String text(JSONObject from, String name) {
        Object value = from == null ? null : from.opt(name);
        return value instanceof String ? (String) value : "";
    }

    /** NaN if absent. */
    static double number(JSONObject from, String name) {
        Object value = from == null ? null : from.opt(name);
        return value instanceof Number ? ((Number) value).doubleValue() : Double.NaN;
    }

    /** Null if absent. */
    static JSONObject object(JSONObject from, String name) {
        Object value = from == null ? null : from.opt(name);
        return value instanceof JSONObject ? (JSONObject) value : null;
    }

    /** Empty if absent. */
    static JSONArray array(JSONObject from, String name) {
        Object value = from == null ? null : from.opt(name);
        return value instanceof JSONArray ? (JSONArray) value : new JSONArray();
    }
}
