package org.covidcxr.app;

import android.content.Context;
import android.net.ConnectivityManager;
import org.covidcxr.app.client.AddressException;
import org.covidcxr.app.client.ServerAddress;
import org.covidcxr.app.client.ServiceClient;
import org.covidcxr.app.client.Timeouts;

/** Makes clients that know this device's network. */
final class ServiceClients {
    private ServiceClients() {}

    static ServiceClient create(Context context, ServerAddress address, String apiKey) {
        ConnectivityManager networks = context.getSystemService(ConnectivityManager.class);
        return new ServiceClient(address, apiKey, Timeouts.DEFAULT, () -> networks.getActiveNetwork() != null);
    }

    /** @throws AddressException as long as the user has not set an address */
    static ServiceClient fromSettings(Context context) throws AddressException {
        Settings settings = new Settings(context);
        return create(context, ServerAddress.parse(settings.address()), settings.apiKey());
    }
}
