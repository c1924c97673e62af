import { objectName, type Place } from '../names.ts'
import { type Manifest, metadata } from './common.ts'

/** The key of the ConfigMap: the names of files have slashes, and keys have none. */
export const FILES_KEY = 'files.json'

/** The files that the plan names: its gates read them where there is no checkout. */
export function filesConfigMap(place: Place, files: Record<string, string>): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(place, objectName(place, 'files')),
    data: { [FILES_KEY]: JSON.stringify(files) },
  }
}
