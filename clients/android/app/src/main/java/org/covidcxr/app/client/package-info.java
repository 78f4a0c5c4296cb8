/**
 * What the app knows about the service, apart from any screen: addresses, requests, answers, failures.
 *
 * <p>Nothing here imports {@code android.*}, so every class is tested on a desktop Java.
 */
package org.covidcxr.app.client;
