package org.covidcxr.app.client;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

public class PictureTest {
    private static void assertSize(int width, int height, PictureSize size) {
        assertEquals(width + " x " + height, size.width + " x " + size.height);
    }

    @Test
    public void theLongestSideIsScaledDownAndTheShapeKept() {
        assertSize(1024, 768, new PictureSize(4000, 3000).within(1024));
        assertSize(768, 1024, new PictureSize(3000, 4000).within(1024));
        assertSize(1024, 1, new PictureSize(100_000, 3).within(1024));
    }

    @Test
    public void smallPicturesAreLeftAlone() {
        assertSize(1024, 700, new PictureSize(1024, 700).within(1024));
        assertSize(5, 7, new PictureSize(5, 7).within(1024));
    }

    @Test
    public void thinningOutLeavesEnoughPixelsButNotTwiceAsMany() {
        for (int width = 1; width < 20_000; width += 7) {
            int left = width / new PictureSize(width, 1).sampleSize(1024);
            assertTrue(width + " became " + left, left >= Math.min(width, 1024) && left < 2048 + 1);
        }
        assertEquals(1, new PictureSize(2047, 9).sampleSize(1024));
        assertEquals(2, new PictureSize(9, 2048).sampleSize(1024));
    }

    @Test
    public void aPictureHasPixels() {
        assertThrows(IllegalArgumentException.class, () -> new PictureSize(0, 5));
    }

    /**
     * The stored picture is ab/cd/ef. EXIF says of each value where the stored row 0 and column 0 belong; these are
     * the upright pictures that follow (EXIF 2.32, table "Orientation").
     */
    @Test
    public void everyOrientationIsTurnedUpright() {
        String[][] upright = {
            {"ab", "cd", "ef"}, // 1: row 0 is the top, column 0 the left side
            {"ba", "dc", "fe"}, // 2: top, right
            {"fe", "dc", "ba"}, // 3: bottom, right
            {"ef", "cd", "ab"}, // 4: bottom, left
            {"ace", "bdf"}, // 5: left, top
            {"eca", "fdb"}, // 6: right, top
            {"fdb", "eca"}, // 7: right, bottom
            {"bdf", "ace"}, // 8: left, bottom
        };
        for (int tag = 1; tag <= 8; tag++) {
            String[] picture = {"ab", "cd", "ef"};
            Orientation orientation = Orientation.fromExif(tag);
            if (orientation.mirrored) {
                picture = mirror(picture);
            }
            for (int turned = 0; turned < orientation.degrees; turned += 90) {
                picture = quarterTurn(picture);
            }
            assertArrayEquals("orientation " + tag, upright[tag - 1], picture);
        }
    }

    @Test
    public void orientationsThatExifDoesNotKnowAreUpright() {
        assertEquals(Orientation.UPRIGHT, Orientation.fromExif(0));
        assertEquals(Orientation.UPRIGHT, Orientation.fromExif(9));
        assertEquals(Orientation.UPRIGHT, Orientation.fromExif(-1));
    }

    private static String[] mirror(String[] rows) {
        String[] mirrored = new String[rows.length];
        for (int i = 0; i < rows.length; i++) {
            mirrored[i] = new StringBuilder(rows[i]).reverse().toString();
        }
        return mirrored;
    }

    /** Clockwise: the left column, read upwards, becomes the top row. */
    private static String[] quarterTurn(String[] rows) {
        String[] turned = new String[rows[0].length()];
        for (int column = 0; column < turned.length; column++) {
            StringBuilder row = new StringBuilder();
            for (int i = rows.length - 1; i >= 0; i--) {
                row.append(rows[i].charAt(column));
            }
            turned[column] = row.toString();
        }
        return turned;
    }
}
