import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { ServeSettings } from '../serve-fields.js'

/** A certificate chain and its private key, as PEM. */
export interface Certificate {
  readonly cert: Buffer
  readonly key: Buffer
}

/** Bytes of the path and the headers of a request. */
const HEADER_BYTES = 16_384

/** Makes an HTTP or HTTPS server with the limits of the settings, which does not listen yet. */
export function makeListener(
  settings: ServeSettings,
  certificate: Certificate | undefined,
  listener: RequestListener,
): Server | TlsServer {
  const requestTimeout = settings.requestTimeout * 1000
  const limits = {
    maxHeaderSize: HEADER_BYTES,
    requestTimeout,
    headersTimeout: requestTimeout,
    keepAliveTimeout: settings.keepAlive * 1000,
    connectionsCheckingInterval: Math.min(1000, requestTimeout / 4),
    insecureHTTPParser: false,
    requireHostHeader: false, // hooks.ts requires it, because Node answers without a body
  }
  const server = certificate
    ? createTlsServer({ ...limits, ...certificate, minVersion: 'TLSv1.2' }, listener)
    : createServer(limits, listener)
  server.timeout = requestTimeout + settings.deadline * 1000 // of a connection without a byte: its client does not read its answer
  server.maxConnections = settings.maxConnections
  server.maxHeadersCount = 0 // bounded by maxHeaderSize; with a count Node drops the rest without a word
  server.on('checkExpectation', listener) // Node answers without a body
  server.on('checkContinue', (request, response) => {
    // Only when the body is read: a request that is refused by its headers is answered before its body is sent
    request.once('resume', () => response.headersSent || response.writeContinue())
    listener(request, response)
  })
  return server
}
