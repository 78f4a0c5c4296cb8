package org.covidcxr.app;

import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.ClipData;
import android.content.Intent;
import android.net.Uri;
import android.os.Bundle;
import android.os.Parcelable;
import android.provider.MediaStore;
import android.view.Menu;
import android.view.MenuItem;
import android.view.View;
import android.view.WindowManager;
import org.covidcxr.app.client.CheckState;
import org.covidcxr.app.client.Failure;

/** Choose a picture, check it, see the answer. */
public final class MainActivity extends Activity {
    private static final int CHOOSE = 1;
    private static final int PHOTOGRAPH = 2;
    private static final String STATE = "state";
    private static final String EXPECTED_PHOTO = "expected_photo";
    /** MediaStore.ACTION_PICK_IMAGES, which the SDK names from API 33 on. */
    private static final String PICK_IMAGES = "android.provider.action.PICK_IMAGES";

    private CheckSession session;
    private MainScreen screen;
    /** Where the camera that is open now will deliver; null if none is. */
    private Uri expectedPhoto;

    @Override
    protected void onCreate(Bundle saved) {
        setTheme(R.style.Theme_App);
        super.onCreate(saved);
        // The system keeps pictures of screens for its overview on the disk: an X-ray does not belong there.
        getWindow().setFlags(WindowManager.LayoutParams.FLAG_SECURE, WindowManager.LayoutParams.FLAG_SECURE);
        setContentView(R.layout.activity_main);
        screen = new MainScreen(this);
        session = (CheckSession) getLastNonConfigurationInstance();
        if (session == null) {
            session = begin(saved);
        }
        expectedPhoto = saved == null ? null : saved.getParcelable(EXPECTED_PHOTO);
        onClick(R.id.choose, this::choose);
        onClick(R.id.photograph, this::photograph);
        onClick(R.id.check, session::check);
        onClick(R.id.cancel, session::cancel);
        onClick(R.id.open_settings, () -> open(SettingsActivity.class));
        session.listen(screen::show);
    }

    private CheckSession begin(Bundle saved) {
        CheckState restored = saved == null ? CheckState.EMPTY : (CheckState) saved.getSerializable(STATE);
        CheckSession begun = new CheckSession(this, restored);
        begun.resume();
        // A restored screen has read its shared picture already.
        Uri shared = saved == null ? sharedPicture(getIntent()) : null;
        if (shared != null) {
            begun.read(shared);
        }
        return begun;
    }

    private static Uri sharedPicture(Intent intent) {
        // Any app may send anything, so look before casting.
        Parcelable shared = intent.getParcelableExtra(Intent.EXTRA_STREAM);
        return Intent.ACTION_SEND.equals(intent.getAction()) && shared instanceof Uri ? (Uri) shared : null;
    }

    private void onClick(int view, Runnable action) {
        findViewById(view).setOnClickListener((View clicked) -> action.run());
    }

    private void choose() {
        Intent older = new Intent(Intent.ACTION_GET_CONTENT)
                .setType("image/*")
                .addCategory(Intent.CATEGORY_OPENABLE);
        if (!startFor(CHOOSE, new Intent(PICK_IMAGES).setType("image/*")) && !startFor(CHOOSE, older)) {
            session.fail(Failure.NO_GALLERY);
        }
    }

    private void photograph() {
        expectedPhoto = PhotoProvider.newPhoto();
        Intent camera = new Intent(MediaStore.ACTION_IMAGE_CAPTURE)
                .putExtra(MediaStore.EXTRA_OUTPUT, expectedPhoto)
                .addFlags(Intent.FLAG_GRANT_WRITE_URI_PERMISSION);
        // The permission is granted for what the clip names, not for the extra.
        camera.setClipData(ClipData.newRawUri(null, expectedPhoto));
        if (!startFor(PHOTOGRAPH, camera)) {
            session.fail(Failure.NO_CAMERA);
        }
    }

    private boolean startFor(int request, Intent intent) {
        try {
            startActivityForResult(intent, request);
            return true;
        } catch (ActivityNotFoundException none) {
            return false;
        }
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        super.onActivityResult(request, result, data);
        if (result != RESULT_OK) {
            return;
        }
        Uri picture = request == PHOTOGRAPH ? expectedPhoto : data == null ? null : data.getData();
        if (picture != null) {
            session.read(picture);
        }
    }

    @Override
    public Object onRetainNonConfigurationInstance() {
        return session;
    }

    @Override
    protected void onSaveInstanceState(Bundle out) {
        super.onSaveInstanceState(out);
        out.putSerializable(STATE, session.state());
        out.putParcelable(EXPECTED_PHOTO, expectedPhoto);
    }

    @Override
    protected void onDestroy() {
        session.listen(null);
        if (isFinishing()) {
            session.cancel();
        }
        super.onDestroy();
    }

    @Override
    public boolean onCreateOptionsMenu(Menu menu) {
        getMenuInflater().inflate(R.menu.main, menu);
        return true;
    }

    @Override
    public boolean onOptionsItemSelected(MenuItem item) {
        if (item.getItemId() == R.id.menu_settings) {
            open(SettingsActivity.class);
        } else if (item.getItemId() == R.id.menu_about) {
            open(AboutActivity.class);
        } else {
            return super.onOptionsItemSelected(item);
        }
        return true;
    }

    private void open(Class<? extends Activity> activity) {
        startActivity(new Intent(this, activity));
    }
}
