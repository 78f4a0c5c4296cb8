package org.covidcxr.app.client;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.regex.Pattern;

/** Tells hosts that can only be near (this device, this network) from hosts on the internet. */
final class PrivateNetwork {
    private static final Pattern IPV4 =
            Pattern.compile("(?:(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)(?:\\.(?!$)|$)){4}");
    /** Name endings that are reserved for private use: RFC 6762, RFC 8375, ICANN 2024. */
    private static final String[] PRIVATE_SUFFIXES = {".local", ".home.arpa", ".internal"};

    private PrivateNetwork() {}

    /**
     * Never asks a name server: whoever controls one could pass a public host off as a private one.
     *
     * @param host a name, a dotted IPv4 address, or an IPv6 address with or without brackets
     */
    static boolean contains(String host) {
        String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
        if (bare.indexOf(':') >= 0 || IPV4.matcher(bare).matches()) {
            return isPrivateAddress(bare);
        }
        String name = bare.toLowerCase(Locale.ROOT);
        if (name.equals("localhost")) {
            return true;
        }
        for (String suffix : PRIVATE_SUFFIXES) {
            if (name.endsWith(suffix)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isPrivateAddress(String literal) {
        try {
            InetAddress address = InetAddress.getByName(withoutZone(literal));
            return address.isLoopbackAddress()
                    || address.isLinkLocalAddress()
                    || address.isSiteLocalAddress()
                    || isUniqueLocal(address.getAddress());
        } catch (UnknownHostException notAnAddress) {
            return false;
        }
    }

    /** Java looks the zone of {@code fe80::1%wlan0} up among this device's interfaces; here it does not matter. */
    private static String withoutZone(String literal) {
        int zone = literal.indexOf('%');
        return zone < 0 ? literal : literal.substring(0, zone);
    }

    /** fc00::/7, which Java's isSiteLocalAddress does not know (RFC 4193). */
    private static boolean isUniqueLocal(byte[] address) {
        return address.length == 16 && (address[0] & 0xfe) == 0xfc;
    }
}
