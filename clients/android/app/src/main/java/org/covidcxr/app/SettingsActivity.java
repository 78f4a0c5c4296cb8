package org.covidcxr.app;

import android.app.Activity;
import android.os.Bundle;
import android.view.MenuItem;
import android.view.View;
import android.widget.CheckBox;
import android.widget.EditText;
import android.widget.TextView;
import org.covidcxr.app.client.AddressException;
import org.covidcxr.app.client.ApiKey;
import org.covidcxr.app.client.ConnectionReport;
import org.covidcxr.app.client.ModelFacts;
import org.covidcxr.app.client.ServerAddress;

/** Server address and key; nothing is saved that the app could not use. */
public final class SettingsActivity extends Activity {
    private static final String REPORT = "report";

    private Settings settings;
    private Texts texts;
    private ConnectionTest test;
    private EditText address;
    private EditText apiKey;
    private CheckBox consent;

    /** What to do with an address and a key that are in order. */
    private interface Use {
        void with(ServerAddress address, String apiKey);
    }

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        setContentView(R.layout.activity_settings);
        getActionBar().setDisplayHomeAsUpEnabled(true);
        settings = new Settings(this);
        texts = new Texts(getResources());
        address = findViewById(R.id.address);
        apiKey = findViewById(R.id.api_key);
        consent = findViewById(R.id.consent);
        if (saved == null) {
            address.setText(settings.address());
            apiKey.setText(settings.apiKey());
        }
        test = (ConnectionTest) getLastNonConfigurationInstance();
        if (test == null) {
            test = new ConnectionTest(saved == null ? null : (ConnectionReport) saved.getSerializable(REPORT));
        }
        findViewById(R.id.test).setOnClickListener(
                clicked -> use((at, key) -> test.start(ServiceClients.create(this, at, key))));
        findViewById(R.id.save).setOnClickListener(clicked -> use(this::save));
        test.listen(this::showTest);
    }

    /** Only now have rotated fields their texts back, so that restoring does not count as typing. */
    @Override
    protected void onPostCreate(Bundle saved) {
        super.onPostCreate(saved);
        if (saved == null) {
            consent.setChecked(settings.address().equals(address.getText().toString()));
        }
        showConsent();
        address.addTextChangedListener(new AfterTyping(this::onAddressTyped));
        apiKey.addTextChangedListener(new AfterTyping(test::forget));
    }

    private void onAddressTyped() {
        // Consent was given for another address.
        consent.setChecked(false);
        address.setError(null);
        showConsent();
        test.forget();
    }

    private void showConsent() {
        boolean needed = false;
        try {
            needed = ServerAddress.parse(address.getText().toString()).needsConsent();
        } catch (AddressException unfinished) {
            // Still typing: the mistake is named when the address is used.
        }
        consent.setVisibility(needed ? View.VISIBLE : View.GONE);
    }

    private void use(Use use) {
        String key = apiKey.getText().toString().trim();
        if (!ApiKey.isValid(key)) {
            complain(apiKey, R.string.key_invalid);
            return;
        }
        try {
            ServerAddress typed = ServerAddress.parse(address.getText().toString());
            if (typed.needsConsent() && !consent.isChecked()) {
                complain(address, R.string.consent_missing);
            } else {
                use.with(typed, key);
            }
        } catch (AddressException wrong) {
            complain(address, sentence(wrong.problem()));
        }
    }

    private void complain(EditText field, int sentence) {
        field.setError(getString(sentence));
        field.requestFocus();
    }

    private static int sentence(AddressException.Problem problem) {
        switch (problem) {
            case EMPTY:
                return R.string.address_empty;
            case PLAIN_HTTP_IN_PUBLIC:
                return R.string.address_plain_http;
            default:
                return R.string.address_malformed;
        }
    }

    private void save(ServerAddress typed, String key) {
        settings.save(typed, key);
        finish();
    }

    private void showTest(boolean running, ConnectionReport report) {
        findViewById(R.id.test).setEnabled(!running);
        TextView outcome = findViewById(R.id.test_outcome);
        if (running) {
            outcome.setText(R.string.testing);
        } else if (report == null) {
            outcome.setText("");
        } else if (report.problem() != null) {
            outcome.setText(texts.of(report.problem()));
        } else {
            outcome.setText(connected(report.model()));
        }
    }

    private String connected(ModelFacts model) {
        StringBuilder text = new StringBuilder(getString(R.string.connected));
        if (!model.summary().isEmpty()) {
            text.append('\n').append(texts.labelled(R.string.model, model.summary()));
        }
        if (!Double.isNaN(model.sensitivity())) {
            String share = texts.percent(model.sensitivity());
            text.append('\n').append(texts.labelled(R.string.sensitivity, share));
        }
        return text.toString();
    }

    @Override
    public Object onRetainNonConfigurationInstance() {
        return test;
    }

    @Override
    protected void onSaveInstanceState(Bundle out) {
        super.onSaveInstanceState(out);
        out.putSerializable(REPORT, test.report());
    }

    @Override
    protected void onDestroy() {
        test.listen(null);
        if (isFinishing()) {
            test.forget();
        }
        super.onDestroy();
    }

    @Override
    public boolean onOptionsItemSelected(MenuItem item) {
        if (item.getItemId() == android.R.id.home) {
            finish();
            return true;
        }
        return super.onOptionsItemSelected(item);
    }
}
