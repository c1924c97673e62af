import type { BedPrograms } from './programs.ts'

/** What the bed's inside is told by its outside, as one JSON argument. */
export interface BedSettings {
  /** A short folder: sockets stand in it. */
  folder: string
  programs: BedPrograms
  /** How long Traefik waits between two configurations; its own default is 2s. */
  throttle: string
}

/** Ports inside; the namespace has them all to itself. */
export const PORTS = { etcd: 12379, api: 16443, gateway: 8080, traefik: 9100, prometheus: 9090 }

/** Which of them are carried to the host, each by a socket of its name. */
export const CARRIED = ['api', 'gateway', 'traefik', 'prometheus'] as const

export const ADMIN_TOKEN = 'bed-admin'
export const TRAEFIK_TOKEN = 'bed-traefik'
export const API_ADDRESS = '10.99.0.1'
/** Where Prometheus finds its rules, written by the bed from the cluster's ConfigMaps. */
export const RULES_FOLDER = 'prometheus/rules'
