package org.covidcxr.app.client;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

public class ServerAddressTest {
    private static AddressException.Problem problemOf(String typed) {
        return assertThrows(typed, AddressException.class, () -> ServerAddress.parse(typed)).problem();
    }

    @Test
    public void httpsIsAssumedWhereNoSchemeIsTyped() throws Exception {
        assertEquals("https://xray.example.org", ServerAddress.parse("xray.example.org").toString());
        assertEquals("https://192.168.1.5:3000", ServerAddress.parse("192.168.1.5:3000").toString());
    }

    @Test
    public void spacesCapitalsAndFinalSlashesAreForgiven() throws Exception {
        assertEquals("https://xray.example.org/cxr",
                ServerAddress.parse(" HTTPS://Xray.Example.org/cxr// ").toString());
    }

    @Test
    public void routesHangBelowTheTypedPath() throws Exception {
        assertEquals("https://example.org/cxr/predict",
                ServerAddress.parse("https://example.org/cxr/").endpoint("predict").toString());
    }

    @Test
    public void httpsNeedsNoConsent() throws Exception {
        assertFalse(ServerAddress.parse("https://example.org").needsConsent());
        assertFalse(ServerAddress.parse("https://192.168.1.5").needsConsent());
    }

    @Test
    public void plainHttpToPrivateHostsNeedsConsent() throws Exception {
        for (String host : new String[] {"10.0.2.2:3000", "192.168.1.5", "172.16.0.1", "127.0.0.1", "localhost",
            "xray.local", "nas.home.arpa", "[::1]:3000", "[fd12:3456::1]", "[fe80::1]"}) {
            assertTrue(host, ServerAddress.parse("http://" + host).needsConsent());
        }
    }

    @Test
    public void plainHttpToPublicHostsIsRefused() {
        for (String host : new String[] {"example.org", "8.8.8.8", "172.32.0.1", "192.169.1.1", "[2001:db8::1]",
            "10.0.0.1.example.org", "localhost.example.org", "notlocal", "xray.local.example.org"}) {
            assertEquals(host, AddressException.Problem.PLAIN_HTTP_IN_PUBLIC, problemOf("http://" + host));
        }
    }

    @Test
    public void numbersInDisguiseDoNotPassAsPrivate() {
        // 167772161 is 10.0.0.1 to some resolvers, and octal 010 is 8 to others.
        for (String host : new String[] {"167772161", "0x0a.1", "010.0.0.1", "10.0.0.256", "10.0.0.1."}) {
            assertThrows(host, AddressException.class, () -> ServerAddress.parse("http://" + host));
        }
    }

    @Test
    public void emptyIsNamedAsSuch() {
        assertEquals(AddressException.Problem.EMPTY, problemOf(""));
        assertEquals(AddressException.Problem.EMPTY, problemOf("  "));
    }

    @Test
    public void whatIsNoAddressIsRefused() {
        for (String typed : new String[] {"ftp://example.org", "https://", "https:///predict", "two words",
            "https://exa mple.org", "https://example.org:0", "https://example.org:70000", "https://example.org:x",
            "https://example.org@evil.example", "https://example.org?x=1", "https://example.org#x", "file:///etc/hosts",
            "javascript://x", "://"}) {
            assertEquals(typed, AddressException.Problem.MALFORMED, problemOf(typed));
        }
    }
}
