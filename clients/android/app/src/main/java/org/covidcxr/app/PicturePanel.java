package org.covidcxr.app;

import android.app.Activity;
import android.content.res.Resources;
import android.graphics.BitmapFactory;
import android.graphics.drawable.BitmapDrawable;
import android.graphics.drawable.Drawable;
import android.graphics.drawable.LayerDrawable;
import android.view.View;
import android.widget.ImageView;

/** The X-ray, and the heat map over it. */
final class PicturePanel {
    private final Resources resources;
    private final ImageView view;
    private final View placeholder;
    private byte[] picture;
    private byte[] heatmap;
    private boolean heatmapWanted = true;

    PicturePanel(Activity activity) {
        resources = activity.getResources();
        view = activity.findViewById(R.id.picture);
        placeholder = activity.findViewById(R.id.picture_placeholder);
    }

    /** Both encoded; both may be null. */
    void show(byte[] newPicture, byte[] newHeatmap) {
        if (picture != newPicture || heatmap != newHeatmap) {
            picture = newPicture;
            heatmap = newHeatmap;
            draw();
        }
    }

    void wantHeatmap(boolean wanted) {
        heatmapWanted = wanted;
        draw();
    }

    private void draw() {
        placeholder.setVisibility(picture == null ? View.VISIBLE : View.GONE);
        view.setVisibility(picture == null ? View.GONE : View.VISIBLE);
        if (picture == null) {
            view.setImageDrawable(null);
            return;
        }
        boolean covered = heatmap != null && heatmapWanted;
        // As layers of one drawable, the two stay aligned however the view scales them.
        view.setImageDrawable(covered
                ? new LayerDrawable(new Drawable[] {drawable(picture), drawable(heatmap)})
                : drawable(picture));
        view.setContentDescription(
                resources.getString(covered ? R.string.picture_with_heatmap : R.string.picture_alone));
    }

    private BitmapDrawable drawable(byte[] encoded) {
        return new BitmapDrawable(resources, BitmapFactory.decodeByteArray(encoded, 0, encoded.length));
    }
}
