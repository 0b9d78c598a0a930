# syntax=docker/dockerfile:1
# The gateway as an image. The configuration is mounted, and must say `listen: { host: 0.0.0.0 }`, or nothing outside the
# container reaches it; that host is refused unless callers are configured, so that a published port always asks for a key:
#   docker run -p 127.0.0.1:7420:7420 -v ./signalbox.yaml:/etc/signalbox/signalbox.yaml:ro -v signalbox:/data signalbox

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tooling/package.json tooling/
RUN npm ci --ignore-scripts
COPY . .
RUN node tooling/build.ts

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tooling/package.json tooling/
# The image has its Node.js already: the one that a checkout brings along is an optional dependency.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY bin bin
COPY schema schema
RUN install -d -o node -g node /data
USER node
VOLUME /data
EXPOSE 7420
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["node", "-e", "fetch('http://127.0.0.1:7420/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve", "-c", "/etc/signalbox/signalbox.yaml", "--data", "/data"]
