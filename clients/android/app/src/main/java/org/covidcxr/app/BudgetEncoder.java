package org.covidcxr.app;

import android.graphics.Bitmap;
import java.io.ByteArrayOutputStream;
import org.covidcxr.app.client.PictureSize;

/**
 * Encodes bitmaps into a limited number of bytes, as good as fits.
 *
 * <p>Android keeps the state of a screen in a buffer of about 500 KB and kills the app that exceeds it. With these
 * limits, picture and heat map survive the process in there, and nothing need be written to the disk.
 */
final class BudgetEncoder {
    /** What is sent to the service. */
    static final BudgetEncoder PICTURE = new BudgetEncoder(
            Bitmap.CompressFormat.JPEG, 256 * 1024, new int[] {1024, 768, 512, 256}, new int[] {92, 85, 75});
    /** A heat map is smooth: 256 pixels show all there is. */
    static final BudgetEncoder HEATMAP = new BudgetEncoder(
            Bitmap.CompressFormat.PNG, 64 * 1024, new int[] {256, 128, 64}, new int[] {100});

    private final Bitmap.CompressFormat format;
    private final int maxBytes;
    private final int[] sides;
    private final int[] qualities;

    private BudgetEncoder(Bitmap.CompressFormat format, int maxBytes, int[] sides, int[] qualities) {
        this.format = format;
        this.maxBytes = maxBytes;
        this.sides = sides;
        this.qualities = qualities;
    }

    /** Pixels of the longest side that it tries to keep. */
    int side() {
        return sides[0];
    }

    byte[] encode(Bitmap bitmap) {
        PictureSize full = new PictureSize(bitmap.getWidth(), bitmap.getHeight());
        for (int side : sides) {
            PictureSize size = full.within(side);
            Bitmap scaled = Bitmap.createScaledBitmap(bitmap, size.width, size.height, true);
            for (int quality : qualities) {
                byte[] encoded = compress(scaled, quality);
                if (encoded.length <= maxBytes) {
                    return encoded;
                }
            }
        }
        throw new IllegalStateException("even the smallest size is above " + maxBytes + " bytes");
    }

    private byte[] compress(Bitmap bitmap, int quality) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        bitmap.compress(format, quality, out);
        return out.toByteArray();
    }
}
