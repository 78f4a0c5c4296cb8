package org.covidcxr.app;

import android.text.Editable;
import android.text.TextWatcher;

/** Runs something after each change of a field. */
final class AfterTyping implements TextWatcher {
    private final Runnable action;

    AfterTyping(Runnable action) {
        this.action = action;
    }

    @Override
    public void beforeTextChanged(CharSequence text, int start, int count, int after) {}

    @Override
    public void onTextChanged(CharSequence text, int start, int before, int count) {}

    @Override
    public void afterTextChanged(Editable text) {
        action.run();
    }
}
