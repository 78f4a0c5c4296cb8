package org.covidcxr.app.client;

import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.util.Locale;

/** Where the service is: HTTPS anywhere, plain HTTP only on a private network. */
public final class ServerAddress {
    private final String base;
    private final boolean encrypted;

    private ServerAddress(String base, boolean encrypted) {
        this.base = base;
        this.encrypted = encrypted;
    }

    /**
     * Reads what a person types: surrounding spaces, a missing {@code https://} and a final slash are forgiven.
     *
     * @throws AddressException if the address is empty, malformed, or plain HTTP to a public host
     */
    public static ServerAddress parse(String typed) throws AddressException {
        String text = typed.trim();
        if (text.isEmpty()) {
            throw new AddressException(AddressException.Problem.EMPTY);
        }
        URI uri = uriOf(text.contains("://") ? text : "https://" + text);
        String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
        boolean encrypted = scheme.equals("https");
        if (!encrypted && !PrivateNetwork.contains(uri.getHost())) {
            throw new AddressException(AddressException.Problem.PLAIN_HTTP_IN_PUBLIC);
        }
        String port = uri.getPort() < 0 ? "" : ":" + uri.getPort();
        String path = uri.getRawPath().replaceAll("/+$", "");
        return new ServerAddress(scheme + "://" + uri.getHost().toLowerCase(Locale.ROOT) + port + path, encrypted);
    }

    private static URI uriOf(String text) throws AddressException {
        try {
            URI uri = new URI(text).parseServerAuthority();
            boolean web = "https".equalsIgnoreCase(uri.getScheme()) || "http".equalsIgnoreCase(uri.getScheme());
            boolean port = uri.getPort() != 0 && uri.getPort() <= 65535;
            // A user name in an address serves to make it look like another one.
            boolean bare = uri.getRawUserInfo() == null && uri.getRawQuery() == null && uri.getRawFragment() == null;
            if (web && port && bare && uri.getHost() != null) {
                return uri;
            }
        } catch (URISyntaxException notAnAddress) {
            // Falls through: to the person who typed it, both are the same mistake.
        }
        throw new AddressException(AddressException.Problem.MALFORMED);
    }

    /** True for plain HTTP, which the app uses only after its user has agreed. */
    public boolean needsConsent() {
        return !encrypted;
    }

    URL endpoint(String route) {
        try {
            return new URL(base + "/" + route);
        } catch (MalformedURLException impossible) {
            throw new IllegalStateException(base, impossible);
        }
    }

    /** The normal form: lower-case scheme and host, no final slash. */
    @Override
    public String toString() {
        return base;
    }
}
