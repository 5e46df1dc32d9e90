// @ts-expect-error: the package has no types
import build from 'node-gyp-build'

/** Path of the addon for this platform, below the folder of a package. */
export const resolve: (folder: string) => string = build.resolve
