package org.covidcxr.app.client;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.json.JSONArray;
import org.json.JSONObject;

/**
 * Reads the JSON of {@code POST /predict}.
 *
 * <p>Strict about what would mislead (state, percentage), lenient about the rest: a field that is unknown or odd
 * costs itself only.
 */
final class AnswerParser {
    private AnswerParser() {}

    static Answer parse(String text) throws ServiceException {
        JSONObject json = JsonFields.object(text);
        State state = State.fromWire(JsonFields.text(json, "state"));
        double percentage = JsonFields.number(json, "percentage");
        if (state == null || (state != State.REFUSED && !(percentage >= 0 && percentage <= 100))) {
            throw new ServiceException(Failure.BROKEN_ANSWER);
        }
        return new Answer(
                state,
                state == State.REFUSED ? Double.NaN : percentage,
                JsonFields.number(JsonFields.object(json, "probabilities"), State.COVID.wire()),
                JsonFields.number(json, "threshold"),
                notices(JsonFields.array(json, "warnings")),
                notice(json.opt("reason")),
                dataUri(JsonFields.text(json, "heatmap")),
                state == State.REFUSED ? "" : JsonFields.text(json, "triage"),
                JsonFields.text(json, "site"),
                ModelFacts.of(JsonFields.object(json, "model")));
    }

    /** The "error" object that comes with every status other than 200; null if there is none. */
    static Notice error(String text) {
        JSONObject json = JsonFields.object(text);
        return json == null ? null : notice(json.opt("error"));
    }

    private static List<Notice> notices(JSONArray values) {
        List<Notice> notices = new ArrayList<>();
        for (int i = 0; i < values.length(); i++) {
            Notice notice = notice(values.opt(i));
            if (notice != null) {
                notices.add(notice);
            }
        }
        return notices;
    }

    /** An object with code and message; or a plain text, which may be either. */
    private static Notice notice(Object value) {
        if (value instanceof String) {
            return new Notice((String) value, (String) value);
        }
        if (value instanceof JSONObject) {
            JSONObject json = (JSONObject) value;
            return new Notice(JsonFields.text(json, "code"), JsonFields.text(json, "message"));
        }
        return null;
    }

    /** The bytes of a data URI or of bare Base64; null if it is neither. */
    private static byte[] dataUri(String text) {
        String base64 = text.substring(text.indexOf(',') + 1);
        try {
            return base64.isEmpty() ? null : Base64.getMimeDecoder().decode(base64);
        } catch (IllegalArgumentException notBase64) {
            return null;
        }
    }
}
