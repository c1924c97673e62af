import type { Channel, TemplateName } from './contract.ts'

// The business rules' numbers and texts. They are the business's, not an implementation's, so both
// generations read them here; how they are applied is each generation's own.

/** What a skill is worth; one that is not listed is worth 1. */
export const skillWeights: Record<string, number> = {
  python: 9,
  typescript: 9,
  sql: 8,
  java: 7,
  leadership: 7,
  negotiation: 6,
  sales: 6,
  english: 5,
  accounting: 5,
  design: 4,
}

/** Weight of skills at which their part of the score is full. */
export const fullSkills = 30

/** Years of experience beyond which more adds nothing. */
export const fullYears = 20

/** Fields that a complete profile has. */
export const profileFields = [
  'nombre',
  'apellido_paterno',
  'email',
  'phone',
  'city',
  'birth_year',
  'skills',
  'desired_salary_cents',
] as const

/** First year of birth of each generation, oldest first. */
export const generations: [from: number, name: string][] = [
  [1946, 'boomer'],
  [1965, 'x'],
  [1981, 'millennial'],
  [1997, 'z'],
]

/** Discount in basis points from a number of positions on, smallest first. */
export const volumeDiscounts: [from: number, basisPoints: number][] = [
  [3, 500],
  [6, 850],
  [10, 1225],
]

export const vatBasisPoints = 1600

/** Texts with `{field}` for a candidate's field. */
export const templates: Record<
  TemplateName,
  Record<Channel, { subject?: string; text: string }>
> = {
  interview: {
    whatsapp: {
      text: 'Hola {nombre} 👋 Somos *{business_unit}*. ¿Te va bien una entrevista en {city}?',
    },
    email: {
      subject: 'Entrevista con {business_unit}',
      text: 'Estimado/a {nombre} {apellido_paterno}:\n\nNos gustaría entrevistarle en {city}.\n\n{business_unit}',
    },
  },
  offer: {
    whatsapp: {
      text: '¡Buenas noticias, {nombre}! 🎉 *{business_unit}* tiene una oferta para ti.',
    },
    email: {
      subject: 'Una oferta para {nombre}',
      text: 'Estimado/a {nombre} {apellido_paterno}:\n\nLe adjuntamos nuestra oferta.\n\n{business_unit}',
    },
  },
  'follow-up': {
    whatsapp: { text: 'Hola {nombre}, ¿pudiste ver nuestro mensaje? — _{business_unit}_' },
    email: {
      subject: 'Seguimiento: {business_unit}',
      text: 'Hola {nombre}:\n\n¿Pudo revisar nuestra propuesta? Respondemos a {email}.\n\n{business_unit}',
    },
  },
}
