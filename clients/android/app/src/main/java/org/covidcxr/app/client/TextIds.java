package org.covidcxr.app.client;

import java.util.Locale;

/** Names of the sentences in clients/texts.json, and of their copies among Android's string resources. */
public final class TextIds {
    private TextIds() {}

    public static String of(State state) {
        return "state." + state.wire();
    }

    public static String ofTriage(String triage) {
        return "triage." + triage;
    }

    public static String ofWarning(Notice warning) {
        return "warning." + warning.code();
    }

    public static String ofRefusal(Notice reason) {
        return "refusal." + reason.code();
    }

    /** For example {@code state_noncovid} for {@code state.NonCOVID}. Codes come from the server: any text is legal. */
    public static String resourceName(String id) {
        return id.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9_]", "_");
    }
}
