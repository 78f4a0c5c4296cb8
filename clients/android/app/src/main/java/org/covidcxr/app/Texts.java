package org.covidcxr.app;

import android.content.res.Resources;
import android.text.BidiFormatter;
import java.text.NumberFormat;
import java.util.Locale;
import org.covidcxr.app.client.Notice;
import org.covidcxr.app.client.Problem;
import org.covidcxr.app.client.State;
import org.covidcxr.app.client.TextIds;

/** Puts what the service says into the user's language. */
final class Texts {
    private final Resources resources;

    Texts(Resources resources) {
        this.resources = resources;
    }

    String of(State state) {
        return byId(TextIds.of(state), state.wire());
    }

    String ofTriage(String triage) {
        return byId(TextIds.ofTriage(triage), triage);
    }

    String ofWarning(Notice warning) {
        return byId(TextIds.ofWarning(warning), ownWords(warning));
    }

    String ofRefusal(Notice reason) {
        if (reason == null) {
            return resources.getString(R.string.refused_without_reason);
        }
        return byId(TextIds.ofRefusal(reason), ownWords(reason));
    }

    /** What went wrong and what to do, then what the server adds, if it is more than that. */
    String of(Problem problem) {
        StringBuilder text = new StringBuilder(byId(problem.failure().textId(), problem.failure().name()));
        int waitS = problem.retryAfterS();
        if (waitS > 0) {
            text.append('\n').append(resources.getQuantityString(R.plurals.retry_after, waitS, waitS));
        }
        if (problem.failure().isAboutTheRequest() && !problem.serverMessage().isEmpty()) {
            text.append('\n').append(resources.getString(R.string.server_says, isolated(problem.serverMessage())));
        }
        return text.toString();
    }

    /** @param share 0 to 1 */
    String percent(double share) {
        Locale locale = resources.getConfiguration().getLocales().get(0);
        NumberFormat format = NumberFormat.getPercentInstance(locale);
        format.setMinimumFractionDigits(1);
        format.setMaximumFractionDigits(1);
        return format.format(share);
    }

    /** For example {@code Probability: 97.1 %}. */
    String labelled(int label, String value) {
        return resources.getString(R.string.labelled, resources.getString(label), isolated(value));
    }

    /** Keeps Latin words, and the brackets among them, in order inside of an Arabic sentence. */
    private static String isolated(String value) {
        return BidiFormatter.getInstance().unicodeWrap(value);
    }

    private static String ownWords(Notice notice) {
        return notice.message().isEmpty() ? notice.code() : notice.message();
    }

    /** Looked up by name, since the server may use codes that are newer than this app; hence no resource shrinking. */
    private String byId(String id, String otherwise) {
        String ourPackage = resources.getResourcePackageName(R.string.app_name);
        int found = resources.getIdentifier(TextIds.resourceName(id), "string", ourPackage);
        return found == 0 ? otherwise : resources.getString(found);
    }
}
