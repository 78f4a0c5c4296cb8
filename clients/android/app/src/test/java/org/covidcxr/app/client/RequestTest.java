package org.covidcxr.app.client;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.json.JSONException;
import org.json.JSONObject;
import org.junit.Test;

public class RequestTest {
    private static JSONObject bodyWith(boolean explain) throws JSONException {
        byte[] body = HttpRequest.predict(Samples.PICTURE, explain).body;
        return new JSONObject(new String(body, StandardCharsets.UTF_8));
    }

    @Test
    public void predictionCarriesThePictureAsBase64() throws Exception {
        JSONObject json = bodyWith(true);
        assertArrayEquals(Samples.PICTURE, Base64.getDecoder().decode(json.getString("image")));
        assertTrue(json.getBoolean("explain"));
        assertEquals(2, json.length());
    }

    @Test
    public void explanationCanBeLeftOut() throws Exception {
        JSONObject json = bodyWith(false);
        assertFalse(json.getBoolean("explain"));
    }

    @Test
    public void keysThatWouldBreakAHeaderAreInvalid() {
        assertTrue(ApiKey.isValid(""));
        assertTrue(ApiKey.isValid("s3cret-KEY_/+=~!"));
        for (String key : new String[] {"a b", "a\nb", "a\r\nX-Evil: 1", "ключ", "a\u007f"}) {
            assertFalse(key, ApiKey.isValid(key));
        }
    }
}
