package app;

import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** A web application: Spring Boot with spring-boot-starter-oauth2-client; see application.yaml. */
@SpringBootApplication
@RestController
public class Application {
  public static void main(String[] args) {
    SpringApplication.run(Application.class, args);
  }

  @Bean
  SecurityFilterChain security(HttpSecurity http, ClientRegistrationRepository clients) throws Exception {
    var leave = new OidcClientInitiatedLogoutSuccessHandler(clients);
    leave.setPostLogoutRedirectUri("{baseUrl}/goodbye");
    http.authorizeHttpRequests(all -> all.requestMatchers("/goodbye").permitAll().anyRequest().authenticated());
    http.oauth2Login(login -> {});
    http.logout(logout -> logout.logoutSuccessHandler(leave));
    // Logout tokens come to {baseUrl}/logout/connect/back-channel/tongban.
    http.oidcLogout(told -> told.backChannel(Customizer.withDefaults()));
    return http.build();
  }

  @GetMapping("/")
  Map<String, Object> home(@AuthenticationPrincipal OidcUser person) {
    return person.getUserInfo().getClaims();
  }

  @GetMapping("/goodbye")
  String goodbye() {
    return "Goodbye";
  }
}
