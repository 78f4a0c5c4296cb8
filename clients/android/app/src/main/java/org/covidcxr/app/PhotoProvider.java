package org.covidcxr.app;

import android.content.ContentProvider;
import android.content.ContentValues;
import android.database.Cursor;
import android.net.Uri;
import android.os.ParcelFileDescriptor;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.UUID;
import org.covidcxr.app.client.PhotoInbox;

/** Where the camera app writes its photo: a pipe into memory, so that the photo never touches the disk. */
public final class PhotoProvider extends ContentProvider {
    private static final String AUTHORITY = "org.covidcxr.app.photo";
    private static final PhotoInbox INBOX = new PhotoInbox();

    /** A fresh address, so that a late delivery is never taken for the next photo. */
    static Uri newPhoto() {
        return Uri.parse("content://" + AUTHORITY + "/" + UUID.randomUUID());
    }

    static boolean owns(Uri uri) {
        return AUTHORITY.equals(uri.getAuthority());
    }

    /** See {@link PhotoInbox#take}. */
    static byte[] take(Uri photo, long timeoutMs) throws InterruptedException {
        return INBOX.take(photo.toString(), timeoutMs);
    }

    @Override
    public boolean onCreate() {
        return true;
    }

    @Override
    public ParcelFileDescriptor openFile(Uri uri, String mode) throws FileNotFoundException {
        if (!mode.contains("w")) {
            throw new FileNotFoundException("photos can be delivered here, not read");
        }
        ParcelFileDescriptor[] pipe;
        try {
            pipe = ParcelFileDescriptor.createPipe();
        } catch (IOException outOfDescriptors) {
            throw new FileNotFoundException(outOfDescriptors.getMessage());
        }
        String id = uri.toString();
        INBOX.announce(id);
        Background.run(() -> INBOX.receive(id, new ParcelFileDescriptor.AutoCloseInputStream(pipe[0])));
        return pipe[1];
    }

    @Override
    public String getType(Uri uri) {
        return "image/jpeg";
    }

    // A camera needs none of the following; there are no rows.

    @Override
    public Cursor query(Uri uri, String[] projection, String selection, String[] arguments, String order) {
        return null;
    }

    @Override
    public Uri insert(Uri uri, ContentValues values) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int update(Uri uri, ContentValues values, String selection, String[] arguments) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int delete(Uri uri, String selection, String[] arguments) {
        return 0;
    }
}
