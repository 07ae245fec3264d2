# Slotline as an image. The config file is mounted: docker run -v ./my.json:/etc/slotline/connector.json …
# Node runs the TypeScript files as they are, so there is no build step; the production dependencies only.

FROM node:24.21.0-slim AS dependencies
WORKDIR /opt/slotline
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24.21.0-slim AS slotline
ENV NODE_ENV=production
WORKDIR /opt/slotline
COPY --from=dependencies /opt/slotline/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY src ./src
RUN chmod +x bin/slotline.mjs && ln -s /opt/slotline/bin/slotline.mjs /usr/local/bin/slotline
USER node
ENTRYPOINT ["slotline"]
CMD ["run", "--config", "/etc/slotline/connector.json"]

# The demo's shop and reader (npm run demo -- --attach), for docker-compose.yml.
FROM node:24.21.0-slim AS demo
WORKDIR /opt/slotline
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY scripts ./scripts
COPY test/harness ./test/harness
COPY config ./config
USER node
ENTRYPOINT ["node", "--disable-warning=TimeoutNegativeWarning", "scripts/demo.ts", "--attach"]
