package org.covidcxr.app;

import android.content.Context;
import android.content.SharedPreferences;
import org.covidcxr.app.client.ServerAddress;

/** What the user has set: all that this app ever writes to the disk. */
final class Settings {
    private static final String ADDRESS = "server_address";
    private static final String API_KEY = "api_key";

    private final SharedPreferences store;

    Settings(Context context) {
        store = context.getSharedPreferences("settings", Context.MODE_PRIVATE);
    }

    /** Empty until the user has set one. A plain HTTP address in here is one that the user has agreed to. */
    String address() {
        return store.getString(ADDRESS, "");
    }

    /** Possibly empty. */
    String apiKey() {
        return store.getString(API_KEY, "");
    }

    void save(ServerAddress address, String apiKey) {
        store.edit().putString(ADDRESS, address.toString()).putString(API_KEY, apiKey).apply();
    }
}
