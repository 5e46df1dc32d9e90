import { SERVER_ERRORS } from './server-error-codes.js'

/** Every deliberate failure of lvm-torch: its exit code, its status in an answer of the server (500 unless given), its meaning and a hint. */
export const ERRORS = {
  BAD_OPTION: {
    exit: 2,
    about: 'an option is unknown, out of range or without effect',
    hint: 'run the same command with --help',
  },
  BAD_SPEC: { exit: 2, about: 'the options do not describe a model that can be built', hint: 'run: lvm-torch models show NAME' },
  RUN_EXISTS: {
    exit: 2,
    about: 'the run folder already holds a run',
    hint: 'use --resume to continue, --name for another folder or --overwrite',
  },
  RUN_LOCKED: { exit: 2, about: 'another process is writing this run', hint: 'wait for it, or choose another name or folder' },
  RUN_MISSING: { exit: 2, about: 'no run has that name', hint: 'run: lvm-torch runs list' },
  BUNDLED: {
    exit: 2,
    about: 'a bundler has separated the code of lvm-torch from its files',
    hint: 'mark lvm-torch as external; docs/bundlers.md shows how for esbuild, webpack and Next.js',
  },
  FILE_MISSING: { exit: 2, about: 'a file or folder does not exist', hint: 'check the path' },
  PACKAGE_MISSING: { exit: 2, about: 'an optional package is not installed', hint: 'install the package that the message names' },
  LOG_FAILED: {
    exit: 2,
    about: 'figures of a training could not be sent to the place that --log names',
    hint: 'start the tracking server, correct its address, or leave --log out',
  },
  NO_DISK: { exit: 2, about: 'there is not enough free disk space', hint: 'free some space or choose another folder' },
  FILE_ACCESS: {
    exit: 2,
    about: 'a file or folder cannot be read or written',
    hint: 'check the permissions of the file and its folder, and that the disk is mounted and writable',
  },
  OPEN_FILES: {
    exit: 2,
    about: 'the limit of open files is reached',
    hint: 'close other programs, or raise the limit, for example with: ulimit -n 4096',
  },
  DATA_FORMAT: {
    exit: 3,
    about: 'a data file is damaged, truncated or in an unsupported format',
    hint: 'run: lvm-torch data inspect FILE',
  },
  DATA_UNSAFE: {
    exit: 3,
    about: 'loading the file would run code that it contains',
    hint: 'only load files from people you trust; convert it on the machine that made it',
  },
  DATA_SHAPE: { exit: 3, about: 'the arrays of a data file do not match each other', hint: 'run: lvm-torch data inspect FILE' },
  DATA_NOT_FINITE: { exit: 3, status: 422, about: 'a vector holds NaN or Inf', hint: 'remove or re-encode the named rows' },
  DATA_ZERO: { exit: 3, status: 422, about: 'a vector is all zeros', hint: 'remove or re-encode the named rows' },
  DATA_NORM: {
    exit: 3,
    status: 422,
    about: 'a vector does not have unit length',
    hint: 'divide each vector by its length; a model trained on other lengths accepts them',
  },
  DATA_DUPLICATE_KEY: { exit: 3, about: 'two rows have the same article and position', hint: 'remove one of the named rows' },
  DATA_ORDER: {
    exit: 3,
    about: 'the rows of an article are not consecutive or not in order',
    hint: 'sort the rows by article, then by position',
  },
  TEXT_MISSING: {
    exit: 3,
    about: 'a file of vectors has no sentence for each row',
    hint: 'put a .jsonl beside the vectors with a "text" on every line, as data make writes it, or name such a base with --bank',
  },
  DATA_SHARED_ARTICLE: {
    exit: 3,
    about: 'an article is in two parts of a split',
    hint: 'remove it from one file, or use --split windows',
  },
  DATA_ONE_ARTICLE: {
    exit: 3,
    about: 'a split by article needs at least two articles',
    hint: 'use --split windows (leaky), or data with article ids',
  },
  DATA_TOO_FEW: {
    exit: 3,
    about: 'there are fewer windows than the run needs',
    hint: 'use a smaller --batch-size or --context, or more data',
  },
  DATA_CHANGED: { exit: 3, about: 'a data file changed during use', hint: 'start again, and do not change the file during use' },
  SPACE_MISMATCH: {
    exit: 3,
    about: 'vectors of different or unknown encoders would be mixed',
    hint: 'encode both with one encoder, and name it with --space',
  },
  BANK_CONNECTION: {
    exit: 2,
    about: 'the database of a bank does not answer',
    hint: 'check its address; a push goes on when repeated',
  },
  BANK_ACCESS: { exit: 2, about: 'a database refuses its user', hint: 'check user, password and rights of the user' },
  BANK_EXTENSION: {
    exit: 2,
    about: 'a database lacks the extension vector',
    hint: 'install pgvector on the server of the database',
  },
  BANK_MISSING: { exit: 2, about: 'there is no such bank', hint: 'store one: lvm-torch bank push BASE URL' },
  BANK_MISMATCH: {
    exit: 3,
    about: 'a bank holds other rows than those asked for',
    hint: 'name another table: ?table=NAME in the URL',
  },
  BANK_UNFINISHED: {
    exit: 3,
    about: 'the push of a bank has not finished',
    hint: 'repeat the push, which goes on: lvm-torch bank push BASE URL',
  },
  BANK_FAILED: { exit: 2, about: 'a database reported an error', hint: 'read the message of the database' },
  BAD_CHECKPOINT: {
    exit: 3,
    about: 'a checkpoint is damaged, incomplete or differs from its manifest',
    hint: 'restore the file from a backup, or train the run again',
  },
  FOREIGN_FORWARD: {
    exit: 3,
    about: 'the weights load but the model does not reproduce its saved outputs',
    hint: 'use the lvm-torch version named in the manifest',
  },
  ONNX_MISSING: {
    exit: 2,
    about: 'no ONNX Runtime was found that could compare an export with its run',
    hint: 'run: npm install --no-save onnxruntime-web, or: pip install onnxruntime; or write the file without a comparison: --unchecked',
  },
  ENCODER_MISSING: {
    exit: 2,
    about: 'no encoder of that name is in the cache',
    hint: 'run: lvm-torch encoders fetch OWNER/NAME',
  },
  ENCODER_FETCH: {
    exit: 2,
    about: 'an encoder could not be fetched from its hub',
    hint: 'copy the folder of the encoder here by other means and give its path',
  },
  BAD_ENCODER: {
    exit: 3,
    about: 'the folder of an encoder is incomplete or describes an encoder that cannot be run',
    hint: 'fetch it again: lvm-torch encoders fetch OWNER/NAME --force',
  },
  ENCODER_MISMATCH: {
    exit: 3,
    about: 'a file of an encoder differs from its recorded hash, or the encoder from its recorded vectors',
    hint: 'fetch it again: lvm-torch encoders fetch OWNER/NAME --force',
  },
  LIBTORCH_MISSING: { exit: 4, about: 'no usable libtorch was found', hint: 'run: npx lvm-torch libtorch install' },
  LIBTORCH_MISMATCH: {
    exit: 4,
    about: 'the libtorch that was found has an unsupported version',
    hint: 'run: npx lvm-torch libtorch install',
  },
  LIBTORCH_FETCH: {
    exit: 4,
    about: 'libtorch could not be downloaded or unpacked',
    hint: 'run: npx lvm-torch libtorch install --from FILE.whl',
  },
  ADDON_MISSING: { exit: 4, about: 'there is no native addon for this platform', hint: 'in a clone run: npm run build' },
  DEVICE_UNAVAILABLE: {
    exit: 5,
    about: 'the requested device is not available',
    hint: 'use --device auto; to list the devices of this machine run: lvm-torch doctor',
  },
  RANK_LOST: {
    exit: 5,
    about: 'another of the processes that share a training or an evaluation has ended or does not answer',
    hint: 'the last save is whole: continue with --resume, on any number of processes',
  },
  RANK_MISMATCH: {
    exit: 2,
    about: 'the processes that share a training or an evaluation have different data, weights, code, libtorch or options',
    hint: 'start all of them with equal options, files and versions',
  },
  OUT_OF_MEMORY: {
    exit: 6,
    about: 'there is not enough memory',
    hint: 'close other programs, or use a smaller batch, context, model or file',
  },
  DIVERGED: {
    exit: 7,
    about: 'the loss or a gradient became NaN or Inf',
    hint: 'train with a smaller --lr, or with --precision fp32; a training that diverges keeps its last good checkpoint',
  },
  GATE_FAILED: {
    exit: 8,
    about: 'a quality gate or an audit failed',
    hint: 'the result, or the output above, names the failed checks',
  },
  BAD_ARGUMENT: {
    exit: 9,
    about: 'a value passed to the native addon has the wrong type, shape or dtype',
    hint: 'check the value named in the message',
  },
  DISPOSED: { exit: 9, about: 'a handle was used after dispose()', hint: 'call dispose() after the last use of the handle' },
  NATIVE: {
    exit: 9,
    about: 'libtorch reported an error',
    hint: 'this is a bug in lvm-torch unless you called an operator yourself',
  },
  INTERNAL: { exit: 9, about: 'an internal error', hint: 'please report it, with the file that the message names' },
  ...SERVER_ERRORS,
  INTERRUPTED: { exit: 130, about: 'stopped by Ctrl-C', hint: 'continue with --resume' },
  TERMINATED: { exit: 143, about: 'stopped by SIGTERM', hint: 'continue with --resume' },
} as const

/** Callers branch on `code`; people read `message` and `hint`. */
export type ErrorCode = keyof typeof ERRORS
