/** Failures of requests to a server, as in `ERRORS`. */
export const SERVER_ERRORS = {
  BAD_REQUEST: {
    exit: 2,
    status: 400,
    about: 'a request to the server does not fit its schema or the model',
    hint: 'compare the request with /docs of the server',
  },
  UNAUTHORIZED: {
    exit: 2,
    status: 401,
    about: 'a request to the server came without a valid key',
    hint: 'send the header Authorization: Bearer KEY with a key of the --api-key-file',
  },
  NOT_FOUND: {
    exit: 2,
    status: 404,
    about: 'the server has no such path, model or session',
    hint: 'compare the path with /docs of the server',
  },
  REQUEST_TIMEOUT: {
    exit: 2,
    status: 408,
    about: 'a request to the server did not arrive in full in time',
    hint: 'send the whole request at once, or start the server with a longer --request-timeout',
  },
  SESSION_GONE: {
    exit: 2,
    status: 410,
    about: 'a session of the server has ended: it was idle too long, evicted, or lost with its process',
    hint: 'open a new session and feed its vectors again',
  },
  TOO_LARGE: {
    exit: 2,
    status: 413,
    about: 'a request to the server is larger than its limit',
    hint: 'send fewer contexts in one request, or start the server with a larger --max-body',
  },
  UNSUPPORTED_MEDIA: {
    exit: 2,
    status: 415,
    about: 'a request to the server has a content type that it does not read',
    hint: 'send application/json, or application/octet-stream with the header X-Shape',
  },
  OVERLOADED: {
    exit: 2,
    status: 429,
    about: 'the queue of the server is full',
    hint: 'send the request again after the time in Retry-After',
  },
  UNAVAILABLE: {
    exit: 2,
    status: 503,
    about: 'the server is starting, stopping, or restarting its inference process, or cannot write feedback to its log',
    hint: 'send the request again after the time in Retry-After',
  },
  DEADLINE: {
    exit: 2,
    status: 504,
    about: 'the server could not answer a request before its deadline',
    hint: 'send the request again, with a longer deadline or fewer contexts',
  },
} as const
