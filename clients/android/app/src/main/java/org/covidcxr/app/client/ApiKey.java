package org.covidcxr.app.client;

/** The optional secret that the service may ask for. */
public final class ApiKey {
    static final String HEADER = "X-API-Key";

    private ApiKey() {}

    /** Whether the key fits into an HTTP header: visible ASCII only, or nothing at all. */
    public static boolean isValid(String key) {
        for (int i = 0; i < key.length(); i++) {
            if (key.charAt(i) <= ' ' || key.charAt(i) > '~') {
                return false;
            }
        }
        return true;
    }
}
