/** A request to each feature. */
export const FEATURES: { path: string; method: string; body?: object }[] = [
  { path: '/api/auth/login', method: 'POST', body: { user: 'user-7' } },
  { path: '/api/auth/me', method: 'GET' },
  { path: '/api/upload', method: 'POST', body: { filename: 'resume.txt', text: 'Led a team.' } },
  { path: '/api/ai/structure/3', method: 'GET' },
  { path: '/api/ai/appeal/3', method: 'GET' },
  { path: '/api/review/3', method: 'GET' },
]
